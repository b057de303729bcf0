/**
 * `npm run rot -- [--trials N] [--seed S]`: damages one place of a peer's folder, starts the peer, and looks whether anything is wrong or
 * missing without a word. Prints a table of what was damaged and what came of it, and the seed of each trial that failed. One in twenty is
 * a process of its own.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { demand, programOptions } from '../support/program-options.ts'
import { damageKinds, kindOfFile } from './damage.ts'
import { makeGolden } from './golden.ts'
import { ownProcess, thisProcess } from './peer-run.ts'
import { rotTrial, trialText } from './trial.ts'
import type { TrialResult } from './trial.ts'

const values = programOptions(
  'npm run rot -- [--trials N] [--seed S]', { trials: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' } }
)
const [trials, seed] = [Number(values.trials), Number(values.seed)]
demand([trials, seed].every(value => Number.isInteger(value) && value > 0), '--trials and --seed are whole numbers above 0')
const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-rot-'))
const results: TrialResult[] = []
const startedAt = performance.now()
// what was found until then is printed
let isOver = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => { isOver = true })
try {
  const golden = await makeGolden({ folder, filesPerStart: 12 })
  for (let at = seed; at < seed + trials && !isOver; at++) {
    const result = await rotTrial({ seed: at, folder: join(folder, 'trial'), run: at % 20 === 0 ? ownProcess : thisProcess }, golden)
    results.push(result)
    if (result.faults.length > 0) console.log(trialText(result))
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
console.log(tableOf(results))
const failed = results.filter(({ outcome }) => outcome === 'fault').length
console.log(`${results.length} trials from seed ${seed}, ${failed} failed, ${Math.round((performance.now() - startedAt) / 1000)} s`)
process.exit(failed === 0 ? 0 : 1)

function tableOf (all: readonly TrialResult[]): string {
  const rows = new Map<string, TrialResult[]>()
  for (const result of all) {
    const key = kindOfFile(result.damage.file)
    rows.set(key, [...rows.get(key) ?? [], result])
  }
  const count = (some: readonly TrialResult[], outcome: string): number => some.filter(one => one.outcome === outcome).length
  const sum = (some: readonly TrialResult[], figure: 'lostPins' | 'lostBlocks'): number =>
    some.reduce((total, one) => total + one[figure], 0)
  const line = (name: string, some: readonly TrialResult[]): string =>
    `| ${name} | ${damageKinds.map(kind => some.filter(({ damage }) => damage.kind === kind).length).join(' / ')} | ${count(some, 'whole')} | ${count(some, 'told')} | ${count(some, 'refused')} | ${count(some, 'fault')} | ${sum(some, 'lostPins')} | ${sum(some, 'lostBlocks')} |`
  return [
    '| file | flips / zeros / cuts | whole | told | refused | fault | pins lost and told | blocks lost and told |',
    '|---|---|---|---|---|---|---|---|',
    ...[...rows].toSorted(([a], [b]) => a < b ? -1 : 1).map(([name, some]) => line(name, some)), line('all', all)
  ].join('\n')
}
