import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { pollUntil } from '../support/poll.ts'
import { missing } from './go-peer.ts'
import { mixedCluster, type MixedCluster } from './mixed-cluster.ts'

const skip = missing('ipfs-cluster-service', 'ipfs-cluster-ctl', 'ipfs')
const pins = 30
const slowly = { timeout: 240_000 }

/** An identity CID, which every node has. */
const cidOf = (text: string): string => {
  const bytes = Buffer.from(text)
  return `f015500${bytes.length.toString(16).padStart(2, '0')}${bytes.toString('hex')}`
}

describe('a drain in a cluster of node, go, node, go', { skip }, () => {
  let cluster: MixedCluster
  before(async () => {
    cluster = await mixedCluster(['node', 'go', 'node', 'go'])
    for (const at of [0, 1, 2, 3]) await cluster.start(at)
    await cluster.settled()
  })
  after(async () => { await cluster.remove() })

  const ask = async (index: number, method: string, path: string): Promise<any> => {
    const response = await fetch(`${cluster.at(index).url}${path}`, { method, signal: AbortSignal.timeout(30_000) })
    assert.ok(response.ok, `${method} ${path} at ${index}: ${response.status} ${response.ok ? '' : await response.text()}`)
    return response.json()
  }
  const twoCopies = '?replication-min=2&replication-max=2'
  const drainOf = (peer: number): string => `/peers/${cluster.id(peer)}/drain`
  const drained = async (peer: number): Promise<any> => {
    let last: any
    const isDone = async (): Promise<boolean> => {
      last = await ask(0, 'GET', drainOf(peer)).catch(() => undefined)
      return last?.state === 'drained'
    }
    await pollUntil(isDone, { everyMs: 500, withinMs: 120_000, what: 'the drain' }).catch((err: Error) => {
      throw new Error(`${err.message} ${JSON.stringify(last)}`)
    })
    return last
  }
  /** All peers say the same, each pin is on two of them and pinned there, and on none of these. */
  const agreedWithout = async (count: number, ...gone: number[]): Promise<any> => {
    const isGone = new Set(gone.map(peer => cluster.id(peer)))
    return cluster.agreement({
      withinMs: 120_000,
      holds: view => view.pins.length === count && view.pins.every(
        (pin: any) => pin.allocations.length === 2 && !pin.allocations.some((peer: string) => isGone.has(peer))
      ) &&
        view.status.every((one: any) => one.peers.filter((peer: any) => peer[3] === 'pinned').length === 2)
    })
  }

  it('moves the pins of a Go peer, also when the peer that drains is killed meanwhile', slowly, async () => {
    for (let at = 0; at < pins; at++) {
      await ask(at % 4, 'POST', `/pins/${cidOf(`pin ${at}`)}${twoCopies}&name=${at}&user-allocations=${cluster.id(1 + at % 3)}`)
    }
    await agreedWithout(pins)

    const begun = await ask(0, 'POST', `${drainOf(1)}?max-pins-per-second=5`)
    await pollUntil(async () => (await ask(0, 'GET', drainOf(1))).moved > 0, { what: 'the first move' })
    await cluster.at(0).end('SIGKILL')
    await cluster.start(0)
    const ended = await drained(1)

    assert.ok(begun.pins > 0)
    assert.deepEqual([ended.left, ended.max_pins_per_second], [0, 5])
    await agreedWithout(pins, 1)
  })

  it('moves what Go peers give the drained peer afterwards, and leaves their updates alone', slowly, async () => {
    for (let at = 0; at < 10; at++) await ask(3, 'POST', `/pins/${cidOf(`later ${at}`)}${twoCopies}&user-allocations=${cluster.id(1)}`)
    await pollUntil(async () => (await ask(0, 'GET', drainOf(1))).moved > 0 && (await drained(1)).left === 0, { what: 'the drain' })
    await agreedWithout(pins + 10, 1)

    const source = await ask(3, 'GET', `/allocations/${cidOf('pin 1')}`)
    const updated = await ask(3, 'POST', `/pins/${cidOf('updated')}?pin-update=${cidOf('pin 1')}`)

    assert.deepEqual(updated.allocations.toSorted(), source.allocations.toSorted())
    await agreedWithout(pins + 11, 1)
  })

  it('moves the pins of a Node peer, which tells Go peers that it has no room', slowly, async () => {
    await ask(0, 'POST', drainOf(2))
    await drained(2)
    await agreedWithout(pins + 11, 1, 2)

    const metrics = async (): Promise<any> => (
      await ask(3, 'GET', '/monitor/metrics/freespace')
    ).find(({ peer }: any) => peer === cluster.id(2))
    await pollUntil(async () => (await metrics()).weight === 0, { withinMs: 30_000, what: 'the weight of a peer without room' })
    assert.ok(Number((await metrics()).value) > 0)
  })

  it('is over when it is cancelled: the peers get pins again', slowly, async () => {
    for (const peer of [1, 2]) await ask(0, 'DELETE', drainOf(peer))
    await pollUntil(
      async () => (
        await ask(0, 'POST', `/pins/${cidOf('again')}${twoCopies}&user-allocations=${cluster.id(1)},${cluster.id(2)}`)
      ).allocations.toSorted().join() === [cluster.id(1), cluster.id(2)].toSorted().join(),
      { what: 'new pins' }
    )

    await agreedWithout(pins + 12)
  })
})
