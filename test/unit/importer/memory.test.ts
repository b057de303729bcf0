import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, it } from 'node:test'
import { sha256Counter } from '../../support/add-vectors.ts'
import { eachOf, importAll } from '../../support/imports.ts'

const mebibyte = 1 << 20
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Bytes of array buffers that are in use. */
function buffersInUse (): number {
  collectGarbage()
  collectGarbage() // buffers are freed in the background: the second waits for the first
  return process.memoryUsage().arrayBuffers
}

/** 300 MiB in new pieces of 64 KiB, as a socket gives them. */
async function * stream (template: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let piece = 0; piece < 4800; piece++) yield template.slice()
}

describe('the memory of an import', () => {
  for (const chunker of ['size-262144', 'size-2096896', 'buzhash']) {
    it(`stays within 16 MiB for 300 MiB with ${chunker}`, async () => {
      const template = sha256Counter('memory', 65536)
      const before = buffersInUse()
      let largest = 0
      let writes = 0
      let inSink = 0
      const write = async (blocks: ReadonlyArray<{ bytes: Uint8Array }>): Promise<void> => {
        inSink = Math.max(inSink, blocks.reduce((sum, { bytes }) => sum + bytes.length, 0))
        await new Promise(resolve => setImmediate(resolve))
        if (++writes % 25 === 0) largest = Math.max(largest, buffersInUse() - before)
      }

      await importAll(eachOf([{ kind: 'file', path: 'big', content: stream(template) }]), { sink: { write }, query: { chunker } })

      assert.ok(writes > 100)
      assert.ok(inSink <= 3 * mebibyte, `a batch of ${inSink} bytes`)
      assert.ok(largest <= 16 * mebibyte, `${(largest / mebibyte).toFixed(1)} MiB in use`)
    })
  }
})
