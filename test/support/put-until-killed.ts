import { silentLogger } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import { segmentBlockstore } from '../../src/blockstore/segments/segments.ts'
import { numberedBlock } from './blocks.ts'

/**
 * A child process for crash tests: puts numbered blocks into a segment store until it is killed. Prints the number of each block whose put
 * has resolved. Arguments: folder, first number, segmentBytes.
 */
const [folder = '', first = '0', segmentBytes = '0'] = process.argv.slice(2)
const store = segmentBlockstore({ folder, segmentBytes: Number(segmentBytes) }, { log: silentLogger, clock: systemClock })
await store.start(new AbortController().signal)
let next = Number(first)
await Promise.all(Array.from({ length: 4 }, async () => {
  while (true) {
    const number = next++
    await store.put([numberedBlock(number, number % 7 === 0 ? 50_000 : 300)])
    if (number % 50 === 0) await store.delete([numberedBlock(number, number % 7 === 0 ? 50_000 : 300).cid])
    process.stdout.write(`${number}\n`)
  }
}))
