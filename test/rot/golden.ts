import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { silentLogger } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import { segmentBlockstore } from '../../src/blockstore/segments/segments.ts'
import { CID } from '../../src/model/cid.ts'
import * as Digest from 'multiformats/hashes/digest'
import { freePorts } from '../support/free-ports.ts'
import { jsonLines, peerProcess, uploadForm } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'

export const stops = ['stopped', 'killed'] as const
export type Stop = typeof stops[number]

/** A peer's folder, and what must be found in it. */
export interface Image {
  folder: string
  /** By CID: the pin as the API gives it. */
  pins: Map<string, string>
  /** By multihash in hex. */
  blocks: Map<string, Uint8Array>
}

/** A peer that was stopped in order, and one that was killed. `ids`: of the cluster and of IPFS. */
export interface Golden { ids: string, images: Record<Stop, Image> }

const port = /\/tcp\/\d+/g

export interface GoldenInit {
  folder: string
  /** Files that each of four starts adds. */
  filesPerStart: number
}

/** Makes them with the real program: pins over several starts, so that there are tables and logs, unpins, files of several blocks. */
export async function makeGolden ({ folder, filesPerStart }: GoldenInit): Promise<Golden> {
  const [pinsvc = 0] = await freePorts(1)
  const peer = await peerProcess(json => {
    json.api.pinsvcapi = { http_listen_multiaddress: `/ip4/127.0.0.1/tcp/${pinsvc}` }
  })
  const add = async (run: number): Promise<void> => {
    for (let at = run * filesPerStart; at < (run + 1) * filesPerStart; at++) {
      const size = at % 10 === 0 ? 600_000 : 50 + 7 * at
      const file = { name: `file ${at}`, bytes: Buffer.alloc(size, `content of ${at} `) }
      await jsonLines(await fetch(`${peer.url}/add?cid-version=1&name=pin-${at}`, { method: 'POST', body: uploadForm([file]) }))
    }
  }
  const listed = async (): Promise<any[]> => jsonLines(await fetch(`${peer.url}/allocations`))
  const allPinned = async (): Promise<void> => pollUntil(async () => {
    const rows = await jsonLines(await fetch(`${peer.url}/pins?local=true`))
    return rows.every(row => (Object.values(row.peer_map)[0] as any).status === 'pinned')
  })
  try {
    for (let run = 0; run < 3; run++) {
      await peer.start()
      await add(run)
      const [first] = await listed()
      await fetch(`${peer.url}/pins/${first.cid}`, { method: 'DELETE' })
      await allPinned()
      if (run < 2) await peer.end()
    }
    const ids = await idsOf(peer.url)
    const image = async (stop: Stop, signal: NodeJS.Signals): Promise<Image> => {
      const kept = join(folder, stop)
      const pins = new Map((await listed()).map(pin => [pin.cid as string, JSON.stringify(pin)]))
      await peer.end(signal)
      await cp(peer.folder, kept, { recursive: true })
      await anyPorts(kept)
      return { folder: kept, pins, blocks: await blocksIn(kept, folder) }
    }
    const killed = await image('killed', 'SIGKILL')
    await peer.start()
    await add(3)
    await allPinned()
    return { ids, images: { killed, stopped: await image('stopped', 'SIGTERM') } }
  } finally {
    await peer.remove()
  }
}

async function idsOf (url: string): Promise<string> {
  const { id, ipfs } = await (await fetch(`${url}/id`)).json() as { id: string, ipfs: { id: string } }
  return JSON.stringify([id, ipfs.id])
}

/** Trials run beside others: their ports are the machine's choice. */
async function anyPorts (folder: string): Promise<void> {
  const file = join(folder, 'service.json')
  await writeFile(file, (await readFile(file, 'utf8')).replaceAll(port, '/tcp/0'))
}

async function blocksIn (folder: string, scratch: string): Promise<Map<string, Uint8Array>> {
  const copy = join(scratch, 'reading')
  await cp(join(folder, 'blocks'), copy, { recursive: true })
  const blocks = new Map<string, Uint8Array>()
  await readBlocks(copy, (hex, bytes) => { if (bytes != null) blocks.set(hex, bytes) })
  await rm(copy, { recursive: true })
  return blocks
}

/** Opens the blocks of a stopped peer, and reads all that it says it has. */
export async function readBlocks (
  folder: string, found: (hex: string, bytes: Uint8Array | undefined) => void, log = silentLogger
): Promise<void> {
  const store = segmentBlockstore({ folder }, { log, clock: systemClock })
  await store.start(new AbortController().signal)
  try {
    const hashes: Uint8Array[] = []
    for await (const batch of store.multihashes()) hashes.push(...batch)
    for (const hash of hashes) found(Buffer.from(hash).toString('hex'), await store.get(CID.createV1(0x55, Digest.decode(hash))))
  } finally {
    await store.stop()
  }
}
