/**
 * `npm run kill -- [--rounds N] [--peers 1|3] [--seed S] [--fresh N]`: real peers of the built bundle are killed (SIGKILL) in the middle of
 * pins, unpins, adds and collections, and started again. After each round nothing that was acknowledged may be lost, what was unpinned is
 * gone, every pin is pinned where it belongs, and no
 * IPFS node has a root too many. The first broken promise ends the run, names the round and leaves the folders. `--fresh`: rounds after
 * which the peers are made anew.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Dice } from '../sim/dice.ts'
import { demand, programOptions } from '../support/program-options.ts'
import { Ledger } from './kill-ledger.ts'
import { killedCluster } from './kill-cluster.ts'
import type { KilledCluster } from './kill-cluster.ts'
import { brokenPromises } from './kill-checks.ts'
import { Users } from './kill-users.ts'

const values = programOptions('npm run kill -- [--rounds N] [--peers 1|3] [--seed S] [--fresh N]', {
  rounds: { type: 'string', default: '20' }, peers: { type: 'string', default: '1' }, seed: { type: 'string', default: '1' },
  fresh: { type: 'string', default: '50' }
})
const [rounds, count, seed, fresh] = [
  values.rounds, values.peers, values.seed, values.fresh
].map(Number) as [number, number, number, number]
demand(
  [rounds, count, seed, fresh].every(value => Number.isInteger(value) && value > 0),
  '--rounds, --peers, --seed and --fresh are whole numbers above 0'
)

const sum = { acknowledged: 0, cutOff: 0, kills: 0, collections: 0 }

async function round (dice: Dice, cluster: KilledCluster, ledger: Ledger): Promise<void> {
  const users = new Users({ atOnce: 8 * count }, { dice, cluster, ledger })
  const work = users.work()
  const victims = cluster.peers.filter((_, at) => at === 0 || dice.chance(0.4))
  const shift = dice.whole(0, count - 1)
  await Promise.all(victims.map(async (_, at) => {
    await cluster.after(dice.between(20, 600))
    await cluster.peers[(at + shift) % count]?.end('SIGKILL')
    sum.kills++
  }))
  users.stop()
  await work
  // what a collection meets first is what the killed process had not finished
  const collections: Array<Promise<void>> = []
  await cluster.start(at => { if (dice.chance(0.3)) collections.push(users.collect(at)) })
  await Promise.all(collections)
  for (const figure of ['acknowledged', 'cutOff', 'collections'] as const) sum[figure] += users.counts[figure]
}

async function run (): Promise<string[]> {
  for (let done = 0; done < rounds;) {
    const cluster = await killedCluster(count)
    const ledger = new Ledger()
    await cluster.start()
    for (let age = 0; age < fresh && done < rounds; age++) {
      await round(new Dice(seed * 100_003 + done), cluster, ledger)
      const broken = await brokenPromises(cluster, ledger)
      if (broken.length > 0) {
        await cluster.stop()
        return [`round ${done} of seed ${seed} breaks promises, folders: ${cluster.peers.map(({ folder }) => folder).join(' ')}`, ...broken]
      }
      done++
      if (done % 10 === 0) console.log(`${done} rounds, ${((performance.now() - startedAt) / 1000).toFixed(0)} s, ${ledger.size} items`)
    }
    await cluster.remove()
  }
  return []
}

await promisify(execFile)(process.execPath, [fileURLToPath(new URL('../../scripts/build.ts', import.meta.url))])
const startedAt = performance.now()
const broken = await run()
for (const line of broken) console.log(line)
console.log(`${broken.length === 0 ? `${rounds} rounds` : 'broken off'} on ${count} peers, ${sum.kills} kills; ${sum.acknowledged} changes acknowledged, ${sum.cutOff} cut off, ${sum.collections} collections; ` +
  `${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
process.exitCode = broken.length === 0 ? 0 : 1
