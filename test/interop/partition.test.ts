import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { pollUntil } from '../support/poll.ts'
import { missing } from './go-peer.ts'
import { mixedCluster, type Kind, type MixedCluster } from './mixed-cluster.ts'
import { openRelays, type Relays } from './partition-relay.ts'

const skip = process.platform === 'linux' ? missing('ipfs-cluster-service', 'ipfs-cluster-ctl', 'ipfs') : 'needs Linux\'s /proc'
const control: Kind[][] = process.env.INTEROP_CONTROL == null ? [] : [['go', 'go', 'go']]
const mixes: Kind[][] = [...control, ['go', 'node', 'go'], ['node', 'go', 'node'], ['node', 'node', 'node']]
const everyone = [0, 1, 2]

/** An identity CID, which every node has. */
const cidFor = (text: string): string => {
  const bytes = Buffer.from(text)
  return `f015500${bytes.length.toString(16).padStart(2, '0')}${bytes.toString('hex')}`
}

for (const mix of mixes) {
  for (const repinning of [false, true]) {
    describe(`a cluster of ${mix.join(', ')} in parts, repinning ${repinning ? 'on' : 'off'}`, { skip }, () => {
      let cluster: MixedCluster
      let relays: Relays
      before(async () => {
        relays = await openRelays(3, index => cluster.at(index).pid())
        cluster = await mixedCluster(mix, (json, index) => {
          relays.lead(index, Number(json.cluster.listen_multiaddress[0].split('/').at(-1)))
          json.cluster.announce_multiaddress = [relays.address(index)]
          json.cluster.disable_repinning = !repinning
        })
        for (const index of everyone) await cluster.start(index)
        await cluster.agreement({
          holds: ({ peers, graph }) => peers.length === 3 && graph.cluster.every(([, others]: [string, string[]]) => others.length === 2)
        })
        await cluster.settled()
      })
      after(async () => {
        await cluster.remove()
        await relays.close()
      })

      const ask = async (index: number, method: string, path: string): Promise<any> => {
        const response = await fetch(`${cluster.at(index).url}${path}`, { method })
        assert.ok(response.ok, `${method} ${path} at ${index}: ${response.status} ${response.ok ? '' : await response.text()}`)
        return response.json()
      }
      const pin = async (index: number, text: string, query = ''): Promise<string> => (
        await ask(index, 'POST', `/pins/${cidFor(text)}${query}`)
      ).cid
      const knows = async (index: number, cid: string): Promise<boolean> => (
        await fetch(`${cluster.at(index).url}/allocations/${cid}`)
      ).status === 200
      const allocations = async (index: number, cid: string): Promise<string[]> => (
        await ask(index, 'GET', `/allocations/${cid}`)
      ).allocations
      const lost = async (at: number, index: number): Promise<boolean> =>
        !(await ask(at, 'GET', '/monitor/metrics/ping')).some(
          (metric: any) => metric.peer === cluster.id(index) && metric.expire > Date.now() * 1e6
        )
      const alone = async (sides: Array<[number, number]>): Promise<void> =>
        pollUntil(
          async () => (await Promise.all(sides.map(async ([at, index]) => lost(at, index)))).every(isLost => isLost),
          { withinMs: 30_000, what: 'the end of the pings' }
        )
      const inView = (view: any, cid: string): any => view.pins.find((pin: any) => pin.cid === cid)
      const pinnedAt = (view: any, cid: string): string[] => (
        view.status.find((one: any) => one.cid === cid)?.peers ?? []
      ).filter((peer: any) => peer[3] === 'pinned').map(([id]: [string]) => id)
      const isWhole = (view: any): boolean => view.peers.every((peer: any) => peer.error === '')
        && view.graph.cluster.every(([, others]: [string, string[]]) => others.length === 2)

      it('agrees again after a peer hung past its pings, and what it held was given to others only with repinning', async () => {
        const held = await pin(0, 'held', `?replication-min=1&replication-max=1&user-allocations=${cluster.id(1)}`)
        await pollUntil(async () => await knows(1, held) && await knows(2, held), { what: 'the pin at all' })
        process.kill(cluster.at(1).pid(), 'SIGSTOP')

        await alone([[0, 1], [2, 1]])
        const meanwhile = [await pin(0, 'hung-0'), await pin(2, 'hung-2', '?replication-min=1&replication-max=2')]
        if (repinning) {
          await pollUntil(async () => !(await allocations(0, held)).includes(cluster.id(1)), { withinMs: 30_000, what: 'the repinning' })
        }
        process.kill(cluster.at(1).pid(), 'SIGCONT')

        const view = await cluster.agreement({
          withinMs: 60_000,
          holds: view => isWhole(view) && meanwhile.every(cid => inView(view, cid) != null) && pinnedAt(view, held).length === 1
        })
        // who wakes from a hang finds the others' pings expired and may give itself what was taken from it: seen of a Node peer, not of
        // Go's
        assert.deepEqual(pinnedAt(view, held), repinning ? inView(view, held).allocations : [cluster.id(1)])
        assert.equal(pinnedAt(view, meanwhile[0] ?? '').length, 3)
      })

      it('agrees again after two hung and the third wrote alone', async () => {
        for (const index of [0, 2]) process.kill(cluster.at(index).pid(), 'SIGSTOP')

        await alone([[1, 0], [1, 2]])
        const meanwhile = await pin(1, 'alone')
        for (const index of [0, 2]) process.kill(cluster.at(index).pid(), 'SIGCONT')

        await cluster.agreement({ withinMs: 60_000, holds: view => isWhole(view) && pinnedAt(view, meanwhile).length === 3 })
      })

      for (const apart of [1, 2]) {
        it(`agrees again after ${mix[apart]}-${apart} was cut off and both sides wrote`, async () => {
          const others = everyone.filter(index => index !== apart)
          const [left = 0, right = 0] = others
          const both = await pin(left, `both-${apart}`, '?name=before')
          const gone = await pin(apart, `gone-${apart}`)
          await pollUntil(
            async () => (
              await Promise.all(everyone.map(async index => await knows(index, both) && await knows(index, gone)))
            ).every(isKnown => isKnown),
            { what: 'the pins at all' }
          )
          relays.cut([apart])

          await alone([[left, apart], [right, apart], [apart, left], [apart, right]])
          const here = await Promise.all(Array.from({ length: 20 }, async (_, at) => pin(apart, `here-${apart}-${at}`)))
          const there = await Promise.all(Array.from({ length: 20 }, async (_, at) => pin(others[at % 2] ?? 0, `there-${apart}-${at}`)))
          await pin(apart, `both-${apart}`, '?name=here')
          await pin(left, `both-${apart}`, '?name=there')
          await ask(right, 'DELETE', `/pins/${gone}`)
          await pollUntil(
            async () => await knows(right, there[0] ?? '') && await knows(left, there[1] ?? ''), { what: 'the pins within a part' }
          )
          const leaks = (
            await Promise.all([...here.map(async cid => knows(left, cid)), ...there.map(async cid => knows(apart, cid))])
          ).filter(isKnown => isKnown).length
          relays.heal()

          const view = await cluster.agreement({
            withinMs: 60_000,
            holds: view => isWhole(view) && [...here, ...there].every(cid => pinnedAt(view, cid).length === 3)
          })
          assert.equal(leaks, 0)
          assert.ok(['here', 'there'].includes(inView(view, both).name))
          assert.equal(inView(view, gone), undefined)
        })
      }
    })
  }
}
