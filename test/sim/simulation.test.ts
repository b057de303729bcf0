import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { hasHistory } from './history.ts'
import { failureReport, pastSeeds } from './report.ts'
import { simulate } from './simulate.ts'

const run = promisify(execFile)
/** More: npm run test:sim. */
const seeds = 60
const seedsPerTest = 20
const seedWithHistory = 17

const worlds = new Map<number, ReturnType<typeof simulate>>()

/** Seeds whose traces are looked at, and these. */
const told = new Map<number, string[]>([[18, []], [33, []]])

/** A world of the seed; the same for all tests, because each takes a quarter of a second. */
function world (seed: number): ReturnType<typeof simulate> {
  const lines = told.get(seed)
  const result = worlds.get(seed) ?? simulate(seed, lines == null ? {} : { print: line => lines.push(line) })
  worlds.set(seed, result)
  return result
}

async function assertGood (seed: number): Promise<void> {
  const result = await world(seed)
  assert.deepEqual(result.faults, [], failureReport(result))
}

describe('simulated worlds', () => {
  for (let from = 1; from <= seeds; from += seedsPerTest) {
    it(`end in agreement and keep every promise (seeds ${from} to ${from + seedsPerTest - 1})`, async () => {
      for (let seed = from; seed < from + seedsPerTest; seed++) await assertGood(seed)
    })
  }

  it('do so with the seeds that once failed', async () => {
    for (const seed of pastSeeds()) await assertGood(seed)
  })

  it('go the same way again for the same seed, in another process too', async () => {
    const seed = seedWithHistory
    const main = fileURLToPath(new URL('main.ts', import.meta.url))

    const [one, two, three] = [
      await world(seed), await simulate(seed), await run(process.execPath, [main, '--seeds', '1', '--from', String(seed)])
    ]

    assert.ok(one.acknowledged > 0 && one.events > 100)
    assert.deepEqual(two, one)
    assert.match(three.stdout, new RegExp(`^trace ${one.hash}$`, 'm'))
  })

  it('have peers, in some of them, that give each other their history as streams, of which some break', async () => {
    const [plain, streaming] = [await world(11), await world(seedWithHistory)]

    assert.deepEqual([hasHistory(11), plain.streamed, plain.broken], [false, 0, 0])
    assert.ok(hasHistory(seedWithHistory) && streaming.streamed > 20 && streaming.broken > 0)
  })

  it('have streams, in some of them, that die alone, and processes that stand still or starve', async () => {
    for (const seed of told.keys()) await world(seed)
    const lines = [...told.values()].flat()

    for (const what of ['stream ends', 'for good', 'stands still', 'goes on', 'starves']) {
      assert.ok(lines.some(line => line.includes(what)), what)
    }
  })

  it('differ from seed to seed', async () => {
    const hashes = await Promise.all([1, 2, 3].map(async seed => (await world(seed)).hash))

    assert.equal(new Set(hashes).size, 3)
  })

  it('say how a failure is repeated', () => {
    const report = failureReport({ seed: 7, faults: ['one', 'two'] })

    assert.deepEqual(report.split('\n'), ['seed 7 fails: npm run test:sim -- --seeds 1 --from 7', '  one', '  two'])
  })
})
