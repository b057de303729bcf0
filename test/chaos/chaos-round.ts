import { setTimeout as sleep } from 'node:timers/promises'
import { Dice } from '../sim/dice.ts'
import { peerFaults } from '../soak/kill-checks.ts'
import type { ListedPin } from '../soak/kill-checks.ts'
import { jsonLines } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'
import type { ChaosCluster } from './chaos-cluster.ts'
import { Nemesis } from './nemesis.ts'
import { faultText, scheduleOf } from './schedule.ts'
import type { FaultKind } from './schedule.ts'
import { checkSet } from './set-checker.ts'
import type { Read } from './set-checker.ts'
import { SetUsers, readSet } from './set-users.ts'

export interface RoundInit {
  seed: number
  kinds: readonly FaultKind[]
  lengthMs: number
  /** What every element was after the round before. */
  before: ReadonlyMap<string, 'in' | 'out'>
  /** Told how far the round is. */
  progress?: (what: string) => void
}

export interface RoundResult {
  faults: string[]
  after: Map<string, 'in' | 'out'>
  /** What went wrong on purpose. */
  troubles: string[]
  acknowledged: number
  unknown: number
}

const settlingMs = 120_000

/** Users and trouble for a while, then peace, then a look at everything. */
export async function chaosRound (
  cluster: ChaosCluster, { seed, kinds, lengthMs, before, progress = () => {} }: RoundInit
): Promise<RoundResult> {
  const [dice, usersDice] = [new Dice(seed), new Dice(seed ^ 0x5e7)]
  const schedule = scheduleOf(dice, { peers: cluster.peers.length, kinds, lengthMs })
  const troubles = schedule.map(faultText)
  const nemesis = new Nemesis({ cluster, note: what => troubles.push(what) })
  let time = 0
  const tick = (): number => ++time
  const urls = cluster.peers.map(({ url }) => url)
  const known = [...before].filter(([, state]) => state === 'in').map(([element]) => element)
  const users = new SetUsers({ atOnce: 4 * urls.length }, { dice: usersDice, urls, known, tick })

  for (const fault of schedule) if (fault.kind === 'flip') await nemesis.flip(fault)
  progress(troubles.join('; '))
  const work = users.work()
  await Promise.all([nemesis.run(schedule), sleep(lengthMs)])
  users.stop()
  progress('peace')
  await nemesis.heal()
  progress('all run')
  await work
  progress('users have gone')
  await cluster.whole()
  progress('all are members')
  const { last, apart } = await agreed(urls, tick)
  progress('all agree')
  const { faults, after } = checkSet({ before, asked: users.asked, reads: users.reads, last })
  const all = [...apart, ...faults]
  const stuck = all.length > 0 ? [] : await unsettled(cluster)
  const count = (outcome: string): number => users.asked.filter(one => one.outcome === outcome).length
  return { faults: [...all, ...stuck], after, troubles, acknowledged: count('acknowledged'), unknown: count('unknown') }
}

/** What all peers say that the set is, once they say the same, or the time is over. */
async function agreed (urls: readonly string[], tick: () => number): Promise<{ last: Read[], apart: string[] }> {
  let last: Read[] = []
  try {
    await pollUntil(async () => {
      const reads = await Promise.all(urls.map(async (url, peer) => readSet(url, { peer, tick })))
      last = reads.filter(read => read != null)
      const [first] = last
      return last.length === urls.length && last.every(({ elements }) => sameSet(elements, first?.elements ?? new Set()))
    }, { withinMs: settlingMs, everyMs: 50 })
    return { last, apart: [] }
  } catch {
    return { last, apart: [`the pinsets stay apart: ${last.map(({ peer, elements }) => `${elements.size} on ${peer}`).join(', ')}`] }
  }
}

/** Every pin is pinned where it belongs, and no IPFS node has a root too many. */
async function unsettled ({ peers }: ChaosCluster): Promise<string[]> {
  const pins = await jsonLines(await fetch(`${peers[0]?.url}/allocations`)) as ListedPin[]
  return (await Promise.all(peers.map(async peer => peerFaults(peer, pins)))).flat()
}

const sameSet = (one: ReadonlySet<string>, other: ReadonlySet<string>): boolean =>
  one.size === other.size && [...one].every(element => other.has(element))
