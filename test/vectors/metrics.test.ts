import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, it } from 'node:test'
import { decodeMetric, encodeMetric } from '../../src/wire/metric.ts'

const folder = process.env['VECTORS_DIR'] ?? dirname(fileURLToPath(import.meta.url))
const read = (file: string): any => JSON.parse(readFileSync(join(folder, file), 'utf8'))

describe('metrics recorded from Go peers', () => {
  const messages: Uint8Array[] = [
    ...read('crdt/metrics.json').messages.map((one: any) => Buffer.from(one.data_base64, 'base64')),
    ...read('rpc/metrics.json').map((one: any) => Buffer.from(one.data, 'base64'))
  ]

  it('are decoded and encoded to the same bytes', () => {
    const again = messages.map(bytes => Buffer.from(encodeMetric(decodeMetric(bytes))).toString('hex'))

    assert.ok(messages.length > 20)
    assert.deepEqual(again, messages.map(bytes => Buffer.from(bytes).toString('hex')))
  })

  it('give the fields of the decoded view', () => {
    for (const one of read('rpc/metrics.json')) {
      const metric = decodeMetric(Buffer.from(one.data, 'base64'))

      assert.equal(metric.name, one.decoded.name)
      assert.equal(metric.peer, one.decoded.peer)
      assert.equal(metric.value, one.decoded.value)
      assert.equal(metric.expire.toString(), one.decoded.expire.bigint)
      assert.equal(metric.valid, one.decoded.valid ?? false)
    }
  })
})
