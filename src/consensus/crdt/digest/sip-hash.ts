const isBigEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 0
const nothing = new Int32Array(4)
/** "somepseudorandomlygeneratedbytes", by the halves of the state, low ones first; 0xee: 128 bits are asked for. */
const start = [0x70736575, 0x736f6d65, 0x6e646f6d ^ 0xee, 0x646f7261, 0x6e657261, 0x6c796765, 0x79746573, 0x74656462]

/**
 * SipHash-2-4 with an outcome of 128 bits (Aumasson and Bernstein 2012, and their reference code), a keyed function that is held to be
 * pseudorandom. Words of 64 bits are two halves here: numbers of 32 bits are what JavaScript computes with at once.
 */
export class SipHash {
  readonly #initial: Int32Array
  readonly #state = new Int32Array(8)
  readonly #outcome = new Int32Array(4)
  #words = new Int32Array(1024)
  #bytes = new Uint8Array(this.#words.buffer)

  /** `key`: 16 bytes. */
  constructor (key: Uint8Array) {
    const { buffer, byteOffset } = key
    const view = new DataView(buffer, byteOffset, 16)
    this.#initial = Int32Array.from(start, (word, at) => word ^ view.getInt32(4 * (at % 4), true))
  }

  /** Where a message of so many bytes is put before `finish`. There may be more room than that. */
  room (length: number): Uint8Array {
    if (length + 8 > this.#bytes.length) {
      this.#words = new Int32Array(length + 8)
      this.#bytes = new Uint8Array(this.#words.buffer)
    }
    return this.#bytes
  }

  /** The hash of the message of so many bytes in the room: four words, the lowest first, valid until the next call. */
  finish (length: number): Int32Array {
    const bytes = this.#bytes
    const end = (length + 8) & ~7
    for (let at = length; at < end; at++) bytes[at] = 0
    bytes[end - 1] = length
    if (isBigEndian) Buffer.from(bytes.buffer, 0, end).swap32()
    const state = this.#state
    state.set(this.#initial)
    absorb(state, this.#words, end >> 2)
    flip(state, 4, 0xee)
    absorb(state, nothing, 4)
    this.#take(0)
    flip(state, 2, 0xdd)
    absorb(state, nothing, 4)
    this.#take(2)
    return this.#outcome
  }

  #take (at: number): void {
    const state = this.#state
    this.#outcome[at] = word(state, 0) ^ word(state, 2) ^ word(state, 4) ^ word(state, 6)
    this.#outcome[at + 1] = word(state, 1) ^ word(state, 3) ^ word(state, 5) ^ word(state, 7)
  }
}

const word = (words: Int32Array, at: number): number => words[at] as number

function flip (state: Int32Array, at: number, bits: number): void { state[at] = state[at] as number ^ bits }

/**
 * Two rounds for each word of 64 bits; four rounds without any are two words of zeros. Low halves are added first and carry into the high
 * ones: `Number` of the comparison, because `? 1 : 0` becomes a jump that half of the time goes the way that wasn't foreseen.
 */
function absorb (state: Int32Array, words: Int32Array, count: number): void {
  let al = state[0] as number, ah = state[1] as number, bl = state[2] as number, bh = state[3] as number
  let cl = state[4] as number, ch = state[5] as number, dl = state[6] as number, dh = state[7] as number
  let low = 0
  for (let at = 0; at < count; at += 2) {
    const wordLow = words[at] as number, wordHigh = words[at + 1] as number
    dl ^= wordLow
    dh ^= wordHigh
    for (let round = 0; round < 2; round++) {
      low = (al + bl) | 0
      ah = (ah + bh + Number((low >>> 0) < (bl >>> 0))) | 0
      al = low
      low = (bl << 13) | (bh >>> 19)
      bh = ((bh << 13) | (bl >>> 19)) ^ ah
      bl = low ^ al
      low = (cl + dl) | 0
      ch = (ch + dh + Number((low >>> 0) < (dl >>> 0))) | 0
      cl = low
      low = (dl << 16) | (dh >>> 16)
      dh = ((dh << 16) | (dl >>> 16)) ^ ch
      dl = low ^ cl
      // a by 32 bits: its halves change places
      low = (ah + dl) | 0
      ah = (al + dh + Number((low >>> 0) < (dl >>> 0))) | 0
      al = low
      low = (dl << 21) | (dh >>> 11)
      dh = ((dh << 21) | (dl >>> 11)) ^ ah
      dl = low ^ al
      low = (cl + bl) | 0
      ch = (ch + bh + Number((low >>> 0) < (bl >>> 0))) | 0
      cl = ch
      ch = low
      low = (bl << 17) | (bh >>> 15)
      bh = ((bh << 17) | (bl >>> 15)) ^ cl
      bl = low ^ ch
    }
    al ^= wordLow
    ah ^= wordHigh
  }
  state[0] = al; state[1] = ah; state[2] = bl; state[3] = bh
  state[4] = cl; state[5] = ch; state[6] = dl; state[7] = dh
}
