/** What a block of UnixFS says, as far as a list needs it. */
export interface UnixFsBlock {
  kind: 'directory' | 'shard' | 'file' | 'link'
  /** Of a file. */
  sizeBytes: number | null
  entries: UnixFsEntry[]
}
/** `isFile`: it surely is one; what has links of its own may be either. `sizeBytes`: with all that is below. */
export interface UnixFsEntry { name: string, sizeBytes: number, isFile: boolean }

const kinds: Readonly<Record<number, UnixFsBlock['kind']>> = { 0: 'file', 1: 'directory', 2: 'file', 4: 'link', 5: 'shard' }
const rawCodec = 0x55

/** Reads a dag-pb block. Null for what is none. */
export function unixFsBlockOf (bytes: Uint8Array): UnixFsBlock | null {
  try {
    let kind: UnixFsBlock['kind'] | undefined
    let sizeBytes: number | null = null
    const entries: UnixFsEntry[] = []
    for (const [field, value] of fieldsOf(bytes)) {
      if (field === 2 && value instanceof Uint8Array) entries.push(entryOf(value))
      if (field !== 1 || !(value instanceof Uint8Array)) continue
      for (const [inner, number] of fieldsOf(value)) {
        if (inner === 1 && typeof number === 'number') kind = kinds[number]
        if (inner === 3 && typeof number === 'number') sizeBytes = number
      }
    }
    return kind == null ? null : { kind, sizeBytes, entries }
  } catch {
    return null
  }
}

function entryOf (bytes: Uint8Array): UnixFsEntry {
  const entry = { name: '', sizeBytes: 0, isFile: false }
  for (const [field, value] of fieldsOf(bytes)) {
    if (field === 1 && value instanceof Uint8Array) entry.isFile = value[0] === 1 && value[1] === rawCodec
    if (field === 2 && value instanceof Uint8Array) entry.name = new TextDecoder().decode(value)
    if (field === 3 && typeof value === 'number') entry.sizeBytes = value
  }
  return entry
}

/** The fields of a protobuf message. */
function * fieldsOf (bytes: Uint8Array): Generator<[field: number, value: number | Uint8Array]> {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++]
      if (byte == null || factor > 2 ** 56) throw new RangeError('the block is broken')
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const tag = varint()
    const wire = tag & 7
    if (wire === 0) yield [Math.floor(tag / 8), varint()]
    else if (wire === 2) {
      const end = varint() + at
      if (end > bytes.length) throw new RangeError('the block is broken')
      yield [Math.floor(tag / 8), bytes.subarray(at, end)]
      at = end
    } else throw new RangeError('the block is broken')
  }
}
