import { readFileSync } from 'node:fs'
import { goPeer } from '../interop/go-peer.ts'
import { cidFor } from '../support/pins.ts'
import { peerProcess, type PeerProcess } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'

/**
 * How fast a fresh peer takes the pinset: `fresh-peer.ts [PINS] [batched|chain] [FROM] [TO] [ROUNDS]`, FROM and TO `node` or `go` (with
 * Go's programs on PATH). A peer is filled, with 300 pins per block or with one block per pin in a chain; then fresh ones join it, one
 * after the other. A peer has everything when it knows the oldest pin, as all walk from the newest down; it is counted afterwards. Times
 * are from the start of the fresh program, since its network is up, and since it knows the newest pin.
 */
const [pins = '6000', mode = 'batched', from = 'node', to = 'node', rounds = '3'] = process.argv.slice(2)
const count = Number(pins)

const common = (json: any): void => {
  Object.assign(json.cluster, {
    secret: 'ab'.repeat(32), replication_factor_min: 1, replication_factor_max: 1, monitor_ping_interval: '2s'
  })
  Object.assign(json.consensus.crdt, { trusted_peers: ['*'], rebroadcast_interval: '5s' })
  json.pin_tracker.stateless.max_concurrent_pins = 1
  if (mode !== 'chain') json.consensus.crdt.batching = { max_batch_size: 300, max_batch_age: '1s' }
}
const open = async (kind: string): Promise<PeerProcess> => await (kind === 'go' ? goPeer : peerProcess)(common)
const ownId = async ({ url }: PeerProcess): Promise<{ addresses: string[], id: string }> => {
  const { addresses, id } = await (await fetch(`${url}/id`)).json() as { addresses: string[] | null, id: string }
  return { addresses: addresses ?? [], id }
}
const knows = async ({ url }: PeerProcess, at: number): Promise<boolean> => {
  const response = await fetch(`${url}/allocations/${cidFor(`fresh ${at}`)}`)
  await response.arrayBuffer()
  return response.status === 200
}
const listed = async ({ url }: PeerProcess): Promise<number> => (
  await (await fetch(`${url}/allocations`)).text()
).split('\n').filter(line => line !== '').length

/** User and system time of a process in seconds. */
function cpuSeconds (pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

async function fill (peer: PeerProcess, holder: string): Promise<void> {
  const pin = async (at: number): Promise<boolean> => {
    // the source holds all: the fresh peer has nothing to fetch
    const response = await fetch(`${peer.url}/pins/${cidFor(`fresh ${at}`)}?user-allocations=${holder}`, { method: 'POST' })
    await response.arrayBuffer()
    return response.ok
  }
  await pollUntil(async () => pin(0), { what: 'its ping' })
  // a block of its own for the oldest pin
  await pollUntil(async () => knows(peer, 0), { what: 'the first pin' })
  let next = 1
  await Promise.all(Array.from({ length: mode === 'chain' ? 1 : 64 }, async () => {
    while (next < count) if (!await pin(next++)) throw new Error('a pin was refused')
  }))
  await pollUntil(async () => await listed(peer) === count, { what: 'all pins', withinMs: 120_000, everyMs: 500 })
}

async function join (address: string): Promise<void> {
  const fresh = await open(to)
  const startedAt = performance.now()
  await fresh.start(['--bootstrap', address])
  await pollUntil(async () => (await ownId(fresh)).addresses.length > 0, { what: 'its network', everyMs: 10 })
  const upAt = performance.now()
  await pollUntil(async () => knows(fresh, count - 1), { what: 'the newest pin', withinMs: 120_000, everyMs: 10 })
  const newestAt = performance.now()
  await pollUntil(async () => knows(fresh, 0), { what: 'the oldest pin', withinMs: 600_000, everyMs: 10 })
  const doneAt = performance.now()
  const cpu = cpuSeconds(fresh.pid())
  const speed = (sinceAt: number): string => `${(doneAt - sinceAt).toFixed(0)} ms, ${(count / (doneAt - sinceAt) * 1000).toFixed(0)}/s`
  console.log(
    `${from} -> ${to} ${count} ${mode}: from the start ${speed(startedAt)}; network up ${speed(upAt)}; newest pin ${speed(newestAt)}; cpu ${cpu.toFixed(1)} s; listed ${await listed(fresh)}`
  )
  await fresh.remove()
}

const source = await open(from)
try {
  await source.start()
  await pollUntil(async () => (await ownId(source)).addresses.length > 0, { what: 'its network' })
  const { addresses, id } = await ownId(source)
  await fill(source, id)
  for (let round = 0; round < Number(rounds); round++) await join(addresses.find(address => address.startsWith('/ip4/127.0.0.1/')) ?? '')
} finally {
  await source.remove()
}
