/**
 * `npm run chaos -- [--rounds N] [--peers N] [--seed S] [--faults kill,stop,…] [--length MS] [--fresh N]`: real peers of the built bundle
 * in trouble: killed, stopped, cut off, on full disks, with damaged files and wrong clocks, while users add to a set, remove from it and
 * read it. After each round: nothing acknowledged is lost, nothing removed comes back, all peers agree, every pin is pinned where it
 * belongs. The first broken promise ends the run, says which round it was and what happened in it, and keeps the folders. The same seed
 * gives the same schedule; what meets what in real processes is up to the machine. `--fresh`: rounds after which the peers are made anew.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { bundledProgram } from '../support/peer-process.ts'
import { demand, programOptions } from '../support/program-options.ts'
import { chaosCluster } from './chaos-cluster.ts'
import { chaosRound } from './chaos-round.ts'
import type { RoundResult } from './chaos-round.ts'
import { faultKinds } from './schedule.ts'

const usage = 'npm run chaos -- [--rounds N] [--from ROUND] [--peers N] [--seed S] [--length MS] [--fresh N] [--verbose] ' +
  `[--faults ${faultKinds.join(',')}]`
const values = programOptions(usage, {
  rounds: { type: 'string', default: '20' }, peers: { type: 'string', default: '3' }, seed: { type: 'string', default: '1' },
  faults: { type: 'string', default: faultKinds.join(',') }, length: { type: 'string', default: '2000' },
  fresh: { type: 'string', default: '25' }, from: { type: 'string', default: '0' }, verbose: { type: 'boolean', default: false }
})
const [rounds, count, seed, lengthMs, fresh, from] = [
  values.rounds, values.peers, values.seed, values.length, values.fresh, values.from
].map(Number) as [number, number, number, number, number, number]
demand(
  [rounds, count, seed, lengthMs, fresh].every(value => Number.isInteger(value) && value > 0),
  '--rounds, --peers, --seed, --length and --fresh are whole numbers above 0'
)
demand(Number.isInteger(from) && from >= 0, '--from is a whole number')
const wanted = values.faults.split(',')
const kinds = faultKinds.filter(kind => wanted.includes(kind))
demand(kinds.length === wanted.length, `--faults are some of ${faultKinds.join(',')}`)

const sum = { rounds: 0, acknowledged: 0, unknown: 0, troubles: 0 }

/** A round that could not be ended: a peer doesn't start, or doesn't come back to the others. */
const unfinished = (err: unknown): RoundResult =>
  ({ faults: [String(err)], after: new Map(), troubles: [], acknowledged: 0, unknown: 0 })

async function run (): Promise<string[]> {
  for (let round = from; round < from + rounds;) {
    const cluster = await chaosCluster(count, { daemon: bundledProgram })
    const possible = kinds.filter(kind => kind !== 'fill' || cluster.hasSmallDisks)
    if (round === from && possible.length < kinds.length) console.log('no disk of its own can be mounted here: disks are not filled')
    await Promise.all(cluster.peers.map(async peer => peer.start()))
    await cluster.whole()
    let before: ReadonlyMap<string, 'in' | 'out'> = new Map()
    for (let age = 0; age < fresh && round < from + rounds; age++, round++) {
      const { faults, after, troubles, acknowledged, unknown } = await chaosRound(
        cluster, {
          seed: seed * 100_003 + round, kinds: possible, lengthMs, before,
          ...(values.verbose ? { progress: what => console.log(`${new Date().toISOString()} ${what}`) } : {})
        }
      ).catch(unfinished)
      if (values.verbose) console.log(`round ${round}: ${acknowledged} acknowledged, ${unknown} unknown`)
      if (faults.length > 0) {
        return [
          `round ${round} of seed ${seed} breaks promises: npm run chaos -- --seed ${seed} --from ${round} --rounds 1`,
          ...troubles, ...faults, `folders: ${(await Promise.all(cluster.peers.map(async peer => peer.keep()))).join(' ')}`
        ]
      }
      before = after
      sum.rounds++
      sum.acknowledged += acknowledged
      sum.unknown += unknown
      sum.troubles += troubles.length
    }
    await cluster.remove()
  }
  return []
}

await promisify(execFile)(process.execPath, [fileURLToPath(new URL('../../scripts/build.ts', import.meta.url))])
const startedAt = performance.now()
const broken = await run()
for (const line of broken) console.log(line)
console.log(`${broken.length === 0 ? '' : 'broken off after '}${sum.rounds} rounds on ${count} peers, ${sum.troubles} troubles; ${sum.acknowledged} changes acknowledged, ` +
  `${sum.unknown} without an answer; ${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
process.exit(broken.length === 0 ? 0 : 1)
