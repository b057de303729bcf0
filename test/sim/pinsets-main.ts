/**
 * `node test/sim/pinsets-main.ts [--healthy N] [--silent N] [--from S]`: simulated clusters whose pinsets are watched; prints each seed
 * with a false alarm, or without one.
 */
import { demand, programOptions } from '../support/program-options.ts'
import { simulatePinsets } from './pinsets.ts'

const values = programOptions('node test/sim/pinsets-main.ts [--healthy N] [--silent N] [--from S]', {
  healthy: { type: 'string', default: '100' }, silent: { type: 'string', default: '100' }, from: { type: 'string', default: '1' }
})
const [healthy, silent, from] = [Number(values.healthy), Number(values.silent), Number(values.from)]
demand([healthy, silent, from].every(number => Number.isInteger(number) && number >= 0), 'all of them are whole numbers')

let [falseAlarms, missed, slowest, changes] = [0, 0, 0, 0]
for (let seed = from; seed < from + healthy; seed++) {
  const { alarms, changes: made } = await simulatePinsets(seed, { silent: false })
  changes += made
  if (alarms.length === 0) continue
  falseAlarms++
  console.log(`seed ${seed} has a false alarm: ${alarms.join(', ')}`)
}
for (let seed = from; seed < from + silent; seed++) {
  const { alarmMs = Infinity, intervalMs } = await simulatePinsets(seed, { silent: true })
  if (alarmMs <= 2 * intervalMs) slowest = Math.max(slowest, alarmMs / intervalMs)
  else {
    missed++
    console.log(`seed ${seed} has no alarm`)
  }
}
console.log(
  `${healthy} healthy seeds (${changes} changes), ${falseAlarms} false alarms; ${silent} silent differences, ${missed} without an alarm in two intervals, the slowest after ${slowest.toFixed(2)} intervals`
)
process.exitCode = falseAlarms + missed === 0 ? 0 : 1
