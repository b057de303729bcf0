import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sha256Counter } from '../../support/add-vectors.ts'
import { eachOf, importAll } from '../../support/imports.ts'

const mebibyte = 1 << 20

/** 300 MiB in new pieces of 64 KiB, as a socket gives them. */
async function * stream (template: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let piece = 0; piece < 4800; piece++) yield template.slice()
}

describe('the memory of an import', () => {
  for (const chunker of ['size-262144', 'size-1048576', 'buzhash']) {
    it(`stays bounded for 300 MiB with ${chunker}`, async () => {
      const template = sha256Counter('memory', 65536)
      let largest = 0
      let inSink = 0
      const write = async (blocks: ReadonlyArray<{ bytes: Uint8Array }>): Promise<void> => {
        inSink = Math.max(inSink, blocks.reduce((sum, { bytes }) => sum + bytes.length, 0))
        largest = Math.max(largest, process.memoryUsage().arrayBuffers)
        await new Promise(resolve => setImmediate(resolve))
      }
      const before = process.memoryUsage().arrayBuffers

      await importAll(eachOf([{ kind: 'file', path: 'big', content: stream(template) }]), { sink: { write }, query: { chunker } })

      assert.ok(inSink <= 3 * mebibyte, `a batch of ${inSink} bytes`)
      // Most of it is garbage that the collector has not come to yet.
      assert.ok(largest - before < 160 * mebibyte, `array buffers grew by ${Math.round((largest - before) / mebibyte)} MiB`)
    })
  }
})
