/**
 * `npm run test:sim -- [--seeds N] [--from S] [--trace] [--drains [--held N] | --silent]`: runs worlds and prints, for each that fails,
 * what is wrong and the command that repeats it. `--trace` prints everything that happens. `--drains`: worlds in which a peer is drained,
 * with a look at each moment whether the minimum has every pin (`--held`: light worlds, and a peer that has so many pins); `--silent`:
 * such in which a disk gets another value without a change. A failing seed belongs into seeds.txt.
 */
import { demand, programOptions } from '../support/program-options.ts'
import { simulateDrain } from './drains.ts'
import { simulateLargeDrain } from './large-drains.ts'
import { failureReport } from './report.ts'
import { simulateSilentDifference } from './pinsets.ts'
import { simulate } from './simulate.ts'

const values = programOptions('npm run test:sim -- [--seeds N] [--from S] [--trace] [--drains [--held N] | --silent]', {
  seeds: { type: 'string', default: '200' }, from: { type: 'string', default: '1' }, trace: { type: 'boolean', default: false },
  drains: { type: 'boolean', default: false }, silent: { type: 'boolean', default: false },
  held: { type: 'string', default: '0' }
})
const [seeds, from, held] = [values.seeds, values.from, values.held].map(Number) as [number, number, number]
demand([seeds, from, held].every(Number.isInteger) && seeds > 0, '--seeds, --from and --held are whole numbers, --seeds is above 0')

const print = values.trace ? { print: (line: string) => console.log(line) } : {}

if (values.drains || values.silent) {
  process.exitCode = values.drains ? await drains() : await silentDifferences()
  process.exit()
}

async function silentDifferences (): Promise<number> {
  let [failed, slowest] = [0, 0]
  for (let seed = from; seed < from + seeds; seed++) {
    const { faults, alarmMs = Infinity, intervalMs } = await simulateSilentDifference(seed, print)
    if (alarmMs <= 2 * intervalMs) slowest = Math.max(slowest, alarmMs / intervalMs)
    if (alarmMs <= 2 * intervalMs && faults.length === 0) continue
    failed++
    console.log(`seed ${seed} fails: npm run test:sim -- --silent --seeds 1 --from ${seed}`, alarmMs / intervalMs, faults)
  }
  console.log(`${seeds} silent differences, ${failed} not told within two intervals, the slowest after ${slowest.toFixed(2)} intervals`)
  return failed === 0 ? 0 : 1
}

async function drains (): Promise<number> {
  const began = performance.now()
  let [failed, count] = [0, 0]
  for (let seed = from; seed < from + seeds; seed++) {
    const { faults, moves } = held === 0 ? await wholeDrain(seed) : await largeDrain(seed)
    count += moves
    if (faults.length === 0) continue
    failed++
    console.log(`seed ${seed} fails: npm run test:sim -- --drains --seeds 1 --from ${seed}${held === 0 ? '' : ` --held ${held}`}`, faults)
  }
  console.log(`${seeds} seeds of drains, ${failed} failed; ${count} ${held === 0 ? 'pins moved' : 'copies were given up'} in ` +
    `${((performance.now() - began) / 1000).toFixed(1)} s`)
  return failed === 0 ? 0 : 1
}

async function wholeDrain (seed: number): Promise<{ faults: string[], moves: number }> {
  const { faults, moved } = await simulateDrain(seed, print)
  return { faults, moves: moved }
}

async function largeDrain (seed: number): Promise<{ faults: string[], moves: number }> {
  const { faults, losses, hash } = await simulateLargeDrain(seed, { ...print, pins: held })
  if (seeds === 1) console.log(`trace ${hash}`)
  return { faults, moves: losses }
}

const startedAt = performance.now()
const sum = { failed: 0, events: 0, simulatedMs: 0, acknowledged: 0, streamed: 0, broken: 0 }
for (let seed = from; seed < from + seeds; seed++) {
  const result = await simulate(seed, print)
  sum.events += result.events
  sum.simulatedMs += result.durationMs
  sum.acknowledged += result.acknowledged
  sum.streamed += result.streamed
  sum.broken += result.broken
  if (result.faults.length > 0) {
    sum.failed++
    console.log(failureReport(result))
  }
  if (seeds === 1) console.log(`trace ${result.hash}`)
}
console.log(`${seeds} seeds, ${sum.failed} failed; ${sum.acknowledged} wishes acknowledged, ${sum.events} messages and actions, ` +
  `${sum.streamed} blocks by stream (${sum.broken} broke), ` +
  `${Math.round(sum.simulatedMs / 3_600_000)} simulated hours in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
process.exitCode = sum.failed === 0 ? 0 : 1
