import { execFileSync } from 'node:child_process'
import { cidFor } from '../support/pins.ts'
import { peerProcess, type PeerProcess } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'

/**
 * How fast a fresh peer takes the pinset: `fresh-peer.ts [PINS] [batched|chain] [ROUNDS]`. A peer is filled, with many pins per block or with one block per pin in a chain; then a
 * fresh one joins it. Prints the time from the start of its program, and from the moment at which its network is up. Everything is on loopback.
 */
const [count = 6000, mode = 'batched', rounds = 2] = [Number(process.argv[2] ?? 6000), process.argv[3], Number(process.argv[4] ?? 2)]

const common = (json: any): void => {
  Object.assign(json.cluster, { secret: 'ab'.repeat(32), replication_factor_min: 1, replication_factor_max: 1 })
  Object.assign(json.consensus.crdt, { trusted_peers: ['*'] })
  json.pin_tracker.stateless.max_concurrent_pins = 1
}
const batching = (json: any): void => { json.consensus.crdt.batching = { max_batch_size: 300, max_batch_age: '1s' } }

async function pin (peer: PeerProcess, at: number): Promise<void> {
  // the fresh peer has nothing to fetch
  const response = await fetch(`${peer.url}/pins/${cidFor(`fresh ${at}`)}?user-allocations=${sourceId}`, { method: 'POST' })
  if (!response.ok) throw new Error(await response.text())
  await response.arrayBuffer()
}

async function fill (peer: PeerProcess): Promise<void> {
  let next = 0
  await Promise.all(Array.from({ length: mode === 'chain' ? 1 : 64 }, async () => { while (next < count) await pin(peer, next++) }))
}

const health = async ({ url }: PeerProcess): Promise<{ pins: number, height: number }> => (await fetch(`${url}/health/ready`)).json() as Promise<{ pins: number, height: number }>
const ownId = async ({ url }: PeerProcess): Promise<{ addresses: string[], id: string }> => (await fetch(`${url}/id`)).json() as Promise<{ addresses: string[], id: string }>
const cpuSeconds = (pid: number): number => {
  const fields = execFileSync('cat', [`/proc/${pid}/stat`], { encoding: 'utf8' }).split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

const source = await peerProcess(json => { common(json); if (mode !== 'chain') batching(json) })
await source.start()
await pollUntil(async () => (await ownId(source)).addresses.length > 0, { what: 'its network' })
const { addresses, id: sourceId } = await ownId(source)
await pollUntil(async () => pin(source, 0).then(() => true, () => false), { what: 'its ping' })
await fill(source)
await pollUntil(async () => (await health(source)).pins === count, { what: 'all pins', withinMs: 60_000 })
console.log(JSON.stringify(await health(source)))
for (let round = 0; round < rounds; round++) {
  const fresh = await peerProcess(common)
  const startedAt = performance.now()
  await fresh.start(['--bootstrap', addresses.find(address => address.startsWith('/ip4/127.0.0.1/')) ?? ''])
  await pollUntil(async () => (await ownId(fresh)).addresses.length > 0, { what: 'its network', everyMs: 2 })
  const upAt = performance.now()
  let firstAt = 0
  await pollUntil(async () => {
    const { pins } = await health(fresh)
    if (pins > 0 && firstAt === 0) firstAt = performance.now()
    return pins === count
  }, { what: 'all pins', withinMs: 120_000, everyMs: 2 })
  const doneAt = performance.now()
  const speed = (fromAt: number): string => `${(doneAt - fromAt).toFixed(0)} ms ${(count / (doneAt - fromAt) * 1000).toFixed(0)} pins/s`
  console.log(`${count} ${mode}: from the start ${speed(startedAt)}; since its network is up ${speed(upAt)}; since the first pin ${speed(firstAt)}; cpu ${cpuSeconds(fresh.pid()).toFixed(1)} s`)
  await fresh.remove()
}
await source.remove()
