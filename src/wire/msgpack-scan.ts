import { ClusterError } from '../base/errors.ts'

/** What hostile peers may not exceed. `valueBytes`: a whole value, heads included. */
export interface MsgpackLimits { depth: number, rawBytes: number, items: number, valueBytes: number }
/** The longest value is an answer to a collection: a row for each block that went. */
export const defaultLimits: MsgpackLimits = { depth: 16, rawBytes: 4 << 20, items: 1 << 20, valueBytes: 128 << 20 }

/** Throws INVALID_DATA with what is wrong and where. */
export const bad = (what: string, at: number): never => {
  throw new ClusterError('INVALID_DATA', { at }, { message: `msgpack: ${what} at byte ${at}` })
}

/** Where a value ends, or at least how many bytes the buffer must hold before asking again makes sense. */
export type Measured = { end: number, need?: never } | { end?: never, need: number }

/**
 * Finds the end of one value without decoding it, so that streams can be read value by value. It goes on where it stood when more bytes are
 * there: each is looked at once, however small the pieces are that they come in. Throws INVALID_DATA for nesting, lengths or counts above
 * the limits, as soon as they are announced.
 */
export class ValueScan {
  readonly #limits: MsgpackLimits
  readonly #start: number
  #position: number
  /** Values still to pass over. */
  #open = 1
  readonly #depths: number[] = []

  /** The value begins at byte `start` of the buffers that `advance` will get. */
  constructor (limits: MsgpackLimits = defaultLimits, start = 0) {
    this.#limits = limits
    this.#start = this.#position = start
  }

  /** `buffer` begins with the bytes of the one before. */
  advance (buffer: Buffer): Measured {
    while (this.#open > 0) {
      if (this.#position >= buffer.length) return this.#need(this.#position + this.#open)
      const shape = shapeOf(buffer, this.#position, buffer[this.#position] as number)
      if ('need' in shape) return this.#need(shape.need)
      this.#pass(shape)
    }
    return this.#position > buffer.length ? { need: this.#position } : { end: this.#position }
  }

  #pass ({ next, bytes, items }: { next: number, bytes: number, items: number }): void {
    const { depth, rawBytes, items: most } = this.#limits
    if (bytes > rawBytes) bad(`a value of ${bytes} bytes`, this.#position)
    if (items > most) bad(`${items} items`, this.#position)
    this.#position = next
    this.#open--
    if (items > 0) {
      this.#depths.push(this.#open)
      if (this.#depths.length > depth) bad('too deep nesting', next)
      this.#open += items
      if (this.#open > most * 2) bad('too many items', next)
    }
    const depths = this.#depths
    while (depths.length > 0 && this.#open <= (depths[depths.length - 1] ?? 0)) depths.pop()
    // each open value has a byte at least
    if (next + this.#open - this.#start > this.#limits.valueBytes) bad(`a value of more than ${this.#limits.valueBytes} bytes`, next)
  }

  #need (need: number): Measured {
    if (need - this.#start > this.#limits.valueBytes) bad(`a value of more than ${this.#limits.valueBytes} bytes`, this.#position)
    return { need }
  }
}

type Shape = { next: number, bytes: number, items: number } | { need: number }

function shapeOf (buffer: Buffer, at: number, head: number): Shape {
  const scalar = (size: number): Shape => ({ next: at + 1 + size, bytes: 0, items: 0 })
  const sized = (width: number, extra: number): Shape => {
    if (at + 1 + width > buffer.length) return { need: at + 1 + width }
    const bytes = buffer.readUIntBE(at + 1, width)
    return { next: at + 1 + width + extra + bytes, bytes, items: 0 }
  }
  const counted = (width: number, perItem: number): Shape => {
    if (at + 1 + width > buffer.length) return { need: at + 1 + width }
    return { next: at + 1 + width, bytes: 0, items: buffer.readUIntBE(at + 1, width) * perItem }
  }
  if (head <= 0x7f || head >= 0xe0) return scalar(0)
  if (head <= 0x8f) return { next: at + 1, bytes: 0, items: (head & 0x0f) * 2 }
  if (head <= 0x9f) return { next: at + 1, bytes: 0, items: head & 0x0f }
  if (head <= 0xbf) return { next: at + 1 + (head & 0x1f), bytes: head & 0x1f, items: 0 }
  switch (head) {
    case 0xc0: case 0xc2: case 0xc3: return scalar(0)
    case 0xc4: case 0xd9: return sized(1, 0)
    case 0xc5: case 0xda: return sized(2, 0)
    case 0xc6: case 0xdb: return sized(4, 0)
    case 0xc7: return sized(1, 1)
    case 0xc8: return sized(2, 1)
    case 0xc9: return sized(4, 1)
    case 0xca: case 0xce: case 0xd2: return scalar(4)
    case 0xcb: case 0xcf: case 0xd3: return scalar(8)
    case 0xcc: case 0xd0: return scalar(1)
    case 0xcd: case 0xd1: return scalar(2)
    case 0xd4: return scalar(2)
    case 0xd5: return scalar(3)
    case 0xd6: return scalar(5)
    case 0xd7: return scalar(9)
    case 0xd8: return scalar(17)
    case 0xdc: return counted(2, 1)
    case 0xdd: return counted(4, 1)
    case 0xde: return counted(2, 2)
    case 0xdf: return counted(4, 2)
  }
  return bad(`head byte ${head.toString(16)}`, at)
}
