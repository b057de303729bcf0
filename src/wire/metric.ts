import type { Metric } from '../model/metric.ts'
import { peerBytes, peerText } from './known-names.ts'
import { MsgpackReader, MsgpackWriter } from './msgpack.ts'

/** A legacy prefix of peers up to 0.13.3: 09 "/msgpack\n" (monitor/pubsubmon). */
const legacyPrefix = Buffer.from('\t/msgpack\n')

/** Encodes a metric as Go publishes it: one map, zero fields left out, `received_at` never sent. */
export function encodeMetric (metric: Metric): Uint8Array {
  const fields: Array<[string, (writer: MsgpackWriter) => void]> = []
  if (metric.name !== '') fields.push(['n', writer => writer.raw(metric.name)])
  if (metric.peer !== '') fields.push(['p', writer => writer.raw(peerBytes(metric.peer))])
  if (metric.value !== '') fields.push(['v', writer => writer.raw(metric.value)])
  if (metric.expire !== 0n) fields.push(['e', writer => writer.int(metric.expire)])
  if (metric.valid) fields.push(['d', writer => writer.bool(true)])
  if (metric.weight !== 0n) fields.push(['w', writer => writer.int(metric.weight)])
  if (metric.partitionable) fields.push(['o', writer => writer.bool(true)])
  const writer = new MsgpackWriter()
  writer.map(fields.length)
  for (const [key, write] of fields) {
    writer.raw(key)
    write(writer)
  }
  return writer.bytes()
}

/** Decodes a published metric; unknown keys are passed over. Throws INVALID_DATA. */
export function decodeMetric (bytes: Uint8Array): Metric {
  const legacy = legacyPrefix.equals(bytes.subarray(0, legacyPrefix.length))
  const reader = new MsgpackReader(bytes, legacy ? legacyPrefix.length : 0)
  const metric: Metric = { name: '', peer: '', value: '', expire: 0n, valid: false, weight: 0n, partitionable: false, receivedAt: 0n }
  for (let left = reader.map(); left > 0; left--) {
    switch (reader.text()) {
      case 'n': metric.name = reader.text(); break
      case 'p': metric.peer = peerText(reader.raw()); break
      case 'v': metric.value = reader.text(); break
      case 'e': metric.expire = reader.bigint(); break
      case 'd': metric.valid = reader.bool(); break
      case 'w': metric.weight = reader.bigint(); break
      case 'o': metric.partitionable = reader.bool(); break
      default: reader.skip()
    }
  }
  return metric
}
