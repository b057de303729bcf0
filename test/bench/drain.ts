/**
 * How fast a real peer is drained: `node test/bench/drain.ts [PINS] [BYTES]`. Three peers (the built program) hold two copies each of so
 * many pins (default 15,000, so that each has 10,000) of so many bytes (1000; 0: the content is in the CID, nothing has to travel); one is
 * drained by another. Looks every two seconds at the allocations: no pin may have fewer than its minimum.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { identity } from 'multiformats/hashes/identity'
import { mixedCluster } from '../interop/mixed-cluster.ts'
import { bundledProgram, jsonLines, uploadForm } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'

const pins = Number(process.argv[2] ?? 15_000)
const bytes = Number(process.argv[3] ?? 1000)
const factors = { replication_factor_min: 2, replication_factor_max: 2 }

const cluster = await mixedCluster(['node', 'node', 'node'], json => {
  // as `init` has them, not as tests do: those go through the whole pinset every two seconds
  Object.assign(json.cluster, { ...factors, pin_recover_interval: '12m', state_sync_interval: '5m' })
  json.consensus.crdt.rebroadcast_interval = '1m'
}, bundledProgram)

async function addFile (at: number): Promise<void> {
  const body = uploadForm([{ name: `${at}`, bytes: randomBytes(bytes) }])
  await (await fetch(`${cluster.at(at % 3).url}/add?cid-version=1&name=${at}`, { method: 'POST', body })).arrayBuffer()
}

async function pinIdentity (at: number): Promise<void> {
  const cid = CID.createV1(raw.code, identity.digest(Buffer.from(`content ${at}`)))
  await (await fetch(`${cluster.at(at % 3).url}/pins/${cid}?name=${at}`, { method: 'POST' })).arrayBuffer()
}

async function addAll (): Promise<void> {
  let next = 0
  await Promise.all(Array.from({ length: 16 }, async () => {
    for (let at = next++; at < pins; at = next++) {
      await (bytes === 0 ? pinIdentity(at) : addFile(at))
    }
  }))
}

const linesOf = async (url: string): Promise<number> => (await (await fetch(url)).text()).split('\n').length - 1
const pinned = async (...peers: number[]): Promise<number> =>
  (await Promise.all(peers.map(async at => linesOf(`${cluster.at(at).url}/pins?local=true&filter=pinned`)))).reduce((sum, one) => sum + one)

try {
  for (const at of [0, 1, 2]) await cluster.start(at)
  await cluster.settled()
  const addedFrom = performance.now()
  await addAll()
  await pollUntil(async () => await pinned(0, 1, 2) === 2 * pins, { withinMs: 240_000, everyMs: 2000, what: 'all copies' })
  console.log(`${pins} pins of ${bytes} bytes added, two copies each, in ${((performance.now() - addedFrom) / 1000).toFixed(1)} s`)

  const from = performance.now()
  const path = `${cluster.at(0).url}/peers/${cluster.id(2)}/drain`
  const begun = await (await fetch(path, { method: 'POST' })).json() as { pins: number }
  let [looks, tooFew] = [0, 0]
  for (;;) {
    await sleep(2000)
    const { state, left, moved } = await (await fetch(path)).json() as { state: string, left: number, moved: number }
    const rows = await jsonLines(await fetch(`${cluster.at(1).url}/allocations`))
    looks++
    tooFew += rows.filter(({ allocations }) => allocations.length < 2).length
    if (state !== 'drained') continue
    const seconds = (performance.now() - from) / 1000
    console.log(`${begun.pins} pins of the peer drained in ${seconds.toFixed(1)} s: ${(begun.pins / seconds).toFixed(0)} a second; ` +
      `${moved} moved, ${left} left; ${looks} looks, ${tooFew} allocations below the minimum`)
    break
  }
  await pollUntil(async () => await pinned(0, 1) === 2 * pins, { withinMs: 60_000, what: 'two copies of each on the others' })
  console.log('the two that are left hold all of it twice')
} finally {
  await cluster.remove()
}
