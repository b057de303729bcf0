import { varintLength } from '../base/varint.ts'
import { ProtobufReader, ProtobufWriter, fieldLength, invalidBytes, wireTypes } from './protobuf.ts'

/** A version of a key that a block brings. Its id is the block's key. */
export interface DeltaElement { key: string, value: Uint8Array }

/** The version of a key that the block with key `id` brought is void. */
export interface DeltaTombstone { key: string, id: string }

/** What one CRDT block changes (go-ds-crdt). `priority`: its height in the DAG, 1 for a first block. */
export interface Delta { elements: DeltaElement[], tombstones: DeltaTombstone[], priority: number }

/** A DAG of this height can't exist; larger priorities would make heights that are not exact. */
export const maxPriority = 2 ** 48

const { varint, bytes: delimited } = wireTypes

/** How many bytes an element takes in an encoded delta, with its tag and length. */
export const elementBytes = (element: DeltaElement): number => fieldLength(messageBytes(element.key.length, element.value.length))
/** How many bytes a tombstone takes in an encoded delta, with its tag and length. */
export const tombstoneBytes = (tombstone: DeltaTombstone): number => fieldLength(messageBytes(tombstone.key.length, tombstone.id.length))

/** Keys and ids are ASCII, so characters are bytes. proto3 leaves out what is empty. */
const messageBytes = (one: number, other: number): number =>
  (one === 0 ? 0 : fieldLength(one)) + (other === 0 ? 0 : fieldLength(other))

/** The delta's bytes, as Go's. Keys and ids must be ASCII. */
export function encodeDelta (delta: Delta): Uint8Array {
  const writer = new ProtobufWriter(deltaBytes(delta))
  for (const { key, value } of delta.elements) {
    writer.messageHeader(1, messageBytes(key.length, value.length))
    if (key !== '') writer.textField(1, key)
    if (value.length > 0) writer.bytesField(3, value)
  }
  for (const { key, id } of delta.tombstones) {
    writer.messageHeader(2, messageBytes(key.length, id.length))
    if (key !== '') writer.textField(1, key)
    if (id !== '') writer.textField(2, id)
  }
  if (delta.priority !== 0) writer.uintField(3, delta.priority)
  return writer.finish()
}

/** Encoded size in bytes. */
function deltaBytes (delta: Delta): number {
  let sum = 16 + varintLength(delta.priority)
  for (const element of delta.elements) sum += elementBytes(element)
  for (const tombstone of delta.tombstones) sum += tombstoneBytes(tombstone)
  return sum
}

/** Reads a delta; values are views of the input. Throws INVALID_DATA. */
export function decodeDelta (bytes: Uint8Array): Delta {
  const reader = new ProtobufReader(bytes)
  const delta: Delta = { elements: [], tombstones: [], priority: 0 }
  while (reader.next()) {
    if (reader.is(1, delimited)) {
      const { key, value } = decodeElement(reader.bytes())
      delta.elements.push({ key, value })
    } else if (reader.is(2, delimited)) {
      const { key, id } = decodeElement(reader.bytes())
      delta.tombstones.push({ key, id })
    } else if (reader.is(3, varint)) delta.priority = priorityOf(reader.uint64())
    else reader.skip()
  }
  return delta
}

/** A delta's priority alone. Throws INVALID_DATA. */
export function deltaPriority (bytes: Uint8Array): number {
  const reader = new ProtobufReader(bytes)
  let priority = 0
  while (reader.next()) {
    if (reader.is(3, varint)) priority = priorityOf(reader.uint64())
    else reader.skip()
  }
  return priority
}

const nothing: Uint8Array = new Uint8Array(0)

function decodeElement (bytes: Uint8Array): { key: string, id: string, value: Uint8Array } {
  const reader = new ProtobufReader(bytes)
  const element = { key: '', id: '', value: nothing }
  while (reader.next()) {
    if (reader.is(1, delimited)) element.key = reader.text()
    else if (reader.is(2, delimited)) element.id = reader.text()
    else if (reader.is(3, delimited)) element.value = reader.bytes()
    else reader.skip()
  }
  return element
}

function priorityOf (value: number | bigint): number {
  if (typeof value === 'bigint' || value > maxPriority) return invalidBytes('a priority is impossibly high')
  return value
}
