/** `npm run test:sim -- [--seeds N] [--from S] [--trace]`: runs worlds, prints failing seeds and the command that repeats each. */
import { parseArgs } from 'node:util'
import { simulate } from './simulate.ts'

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '200' }, from: { type: 'string', default: '1' }, trace: { type: 'boolean', default: false } } })
const [seeds, from] = [Number(values.seeds), Number(values.from)]
let failed = 0
let events = 0
const startedAt = performance.now()
for (let seed = from; seed < from + seeds; seed++) {
  const result = await simulate(seed, values.trace ? { print: line => console.log(line) } : {})
  events += result.events
  if (result.faults.length === 0) continue
  failed++
  console.log(`seed ${seed} fails: npm run test:sim -- --seeds 1 --from ${seed}\n${result.faults.slice(0, 10).map(fault => `  ${fault}`).join('\n')}`)
}
console.log(`${seeds} seeds, ${failed} failed, ${events} events, ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
process.exitCode = failed === 0 ? 0 : 1
