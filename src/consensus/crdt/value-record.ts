import { isClusterError } from '../../base/errors.ts'
import { ProtobufReader, ProtobufWriter, invalidBytes, wireTypes } from '../../wire/protobuf.ts'

/** A value with the height of the block that brought it. */
export interface Version { priority: number, value: Uint8Array }

/** Two undefined ones are the same. */
export const isSameVersion = (one: Version | undefined, other: Version | undefined): boolean =>
  one == null || other == null ? one === other : one.priority === other.priority && Buffer.compare(one.value, other.value) === 0

/**
 * A change that is acknowledged and waits for its block. `put` undefined: only the removal. `remove`: what is stored becomes void first.
 */
export interface Overlay { remove: boolean, put: Uint8Array | undefined }

/** All that is known of a key's value. Versions whose value is no pin count in the CRDT but are never shown. */
export interface ValueRecord { version: Version | undefined, isPin: boolean, overlay: Overlay | undefined }

/** What holds for a key without a row. */
export const emptyRecord: ValueRecord = { version: undefined, isPin: false, overlay: undefined }

/** Stands for a record that is damaged on the disk. Nothing is known of it but that it is there. */
export const unreadableRecord: ValueRecord = { ...emptyRecord }

/** The protobuf bytes of the pin that users see. */
export function visibleValue (record: ValueRecord): Uint8Array | undefined {
  if (record.overlay != null) return record.overlay.put
  return record.isPin ? record.version?.value : undefined
}

/** undefined: the record is empty and can be deleted. */
export function encodeValueRecord ({ version, isPin, overlay }: ValueRecord): Uint8Array | undefined {
  if (version == null && overlay == null) return undefined
  const writer = new ProtobufWriter(24 + (version?.value.length ?? 0) + (overlay?.put?.length ?? 0))
  if (version != null) writer.uintField(1, version.priority).bytesField(2, version.value)
  if (!isPin) writer.uintField(3, 1)
  if (overlay?.remove === true) writer.uintField(4, 1)
  if (overlay?.put != null) writer.bytesField(5, overlay.put)
  return writer.finish()
}

/** The same; undefined for bytes that are no record: the disk has changed them, or another version wrote them. */
export function readableRecord (bytes: Uint8Array): ValueRecord | undefined {
  try {
    return decodeValueRecord(bytes)
  } catch (err) {
    if (!isClusterError(err, 'INVALID_DATA')) throw err
    return undefined
  }
}

/** Throws INVALID_DATA. Values are views of the input. */
export function decodeValueRecord (bytes: Uint8Array): ValueRecord {
  const reader = new ProtobufReader(bytes)
  const record = {
    priority: -1, value: undefined as Uint8Array | undefined, isPin: true, remove: false, put: undefined as Uint8Array | undefined
  }
  while (reader.next()) {
    if (reader.is(1, wireTypes.varint)) record.priority = reader.uint()
    else if (reader.is(2, wireTypes.bytes)) record.value = reader.bytes()
    else if (reader.is(3, wireTypes.varint)) record.isPin = reader.uint() === 0
    else if (reader.is(4, wireTypes.varint)) record.remove = reader.uint() === 1
    else if (reader.is(5, wireTypes.bytes)) record.put = reader.bytes()
    else invalidBytes('a value record has an unknown field')
  }
  const hasOverlay = record.remove || record.put != null
  return {
    version: record.value == null ? undefined : { priority: record.priority, value: record.value },
    isPin: record.isPin,
    overlay: hasOverlay ? { remove: record.remove, put: record.put } : undefined
  }
}
