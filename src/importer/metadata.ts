import type { EntryMetadata } from '../model/add.ts'
import { ProtobufWriter } from '../wire/protobuf.ts'

const none = new Uint8Array(0)
const modeField = 7
const mtimeField = 8
/** With their wire types. */
const secondsTag = 0x08
const nanosecondsTag = 0x15

/**
 * The fields of a UnixFS message that hold mode and time of change, to be put at its end; empty when there is nothing to say. Links have no
 * mode.
 */
export function metadataFields (metadata: EntryMetadata | undefined, kind: 'file' | 'directory' | 'symlink'): Uint8Array {
  if (metadata == null) return none
  const { mode, mtime } = metadata
  const fields = new ProtobufWriter(32)
  if (mode !== 0 && kind !== 'symlink') fields.uintField(modeField, mode)
  if (mtime != null) fields.bytesField(mtimeField, timeMessage(mtime))
  return fields.view
}

function timeMessage ({ seconds, nanoseconds }: { seconds: number, nanoseconds: number }): Uint8Array {
  const message = [secondsTag, ...signedVarint(seconds)]
  if (nanoseconds === 0) return Uint8Array.from(message)
  const fixed = new Uint8Array(4)
  new DataView(fixed.buffer).setUint32(0, nanoseconds, true)
  return Uint8Array.from([...message, nanosecondsTag, ...fixed])
}

/** Protobuf's int64: negative numbers take ten bytes. */
function signedVarint (value: number): number[] {
  const bytes: number[] = []
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    if (rest < 128n) return [...bytes, Number(rest)]
    bytes.push(Number(rest & 127n) | 128)
  }
}
