import { dataAt, dataBytes, salsa20Core, stateAt } from './salsa20-wasm.ts'

/**
 * XSalsa20 as a stream: what is ciphered in pieces equals what is ciphered at once. Deciphering is the same operation.
 *
 * The `xsalsa20` package (which @libp2p/pnet uses) keeps all of its streams in one WebAssembly memory that never shrinks and whose growth
 * breaks the other streams; a single send of 640 KiB or some thousand connections end the process. Here the memory is fixed and holds
 * nothing between two calls.
 */
export class XSalsa20 {
  readonly #state = new Int32Array(16)
  readonly #stateBytes = new Uint8Array(this.#state.buffer)
  readonly #counter = new BigUint64Array(this.#state.buffer, 32, 1)
  /** Bytes of the current block that are used up. */
  #used = 0

  /** `key` 32 bytes, `nonce` 24 bytes. */
  constructor (key: Uint8Array, nonce: Uint8Array) {
    const n = words(nonce)
    fill(this.#state, words(key), n)
    const derived = new Int32Array(16)
    rounds(this.#state, derived)
    // HSalsa20: the diagonal and the nonce's place, without adding the input
    const at = (index: number): number => derived[index] ?? 0
    fill(this.#state, Int32Array.of(at(0), at(5), at(10), at(15), at(6), at(7), at(8), at(9)), Int32Array.of(n[4] ?? 0, n[5] ?? 0, 0, 0))
  }

  /** A new array with the input under the next part of the key stream. */
  xor (input: Uint8Array): Uint8Array {
    const output = new Uint8Array(input.length)
    this.xorInto(input, output, 0)
    return output
  }

  /** The same, written to `output` from `at` on; `output` may be the input itself. */
  xorInto (input: Uint8Array, output: Uint8Array, at: number): void {
    if (input.length <= windowBytes) return this.#xorWindow(input, output, at)
    for (let from = 0; from < input.length; from += windowBytes) {
      this.#xorWindow(input.subarray(from, from + windowBytes), output, at + from)
    }
  }

  /** The input lies where it falls in its first block; a block that was begun is made again. */
  #xorWindow (input: Uint8Array, output: Uint8Array, at: number): void {
    const { memory, run } = salsa20Core()
    const from = dataAt + this.#used
    const end = this.#used + input.length
    memory.set(this.#stateBytes, stateAt)
    memory.set(input, from)
    run(Math.ceil(end / 256) * 256)
    this.#counter[0] = (this.#counter[0] as bigint) + BigInt(end >>> 6)
    this.#used = end & 63
    output.set(memory.subarray(from, from + input.length), at)
  }
}

/** Leaves room for the block that was begun. */
const windowBytes = dataBytes - 256

/** Little-endian words (every machine that Node runs on is little-endian). */
const words = (bytes: Uint8Array): Int32Array => new Int32Array(Uint8Array.from(bytes).buffer)

/** Salsa20's square: constants on the diagonal, the key in two halves, nonce and counter between. */
function fill (state: Int32Array, key: Int32Array, middle: Int32Array): void {
  state.set([
    0x61707865, key[0] ?? 0, key[1] ?? 0, key[2] ?? 0,
    key[3] ?? 0, 0x3320646e, middle[0] ?? 0, middle[1] ?? 0,
    middle[2] ?? 0, middle[3] ?? 0, 0x79622d32, key[4] ?? 0,
    key[5] ?? 0, key[6] ?? 0, key[7] ?? 0, 0x6b206574
  ])
}

/** The twenty rounds, unrolled by two: sixteen local variables are what makes this fast. */
function rounds (state: Int32Array, out: Int32Array): void {
  let x0 = state[0] as number, x1 = state[1] as number, x2 = state[2] as number, x3 = state[3] as number
  let x4 = state[4] as number, x5 = state[5] as number, x6 = state[6] as number, x7 = state[7] as number
  let x8 = state[8] as number, x9 = state[9] as number, x10 = state[10] as number, x11 = state[11] as number
  let x12 = state[12] as number, x13 = state[13] as number, x14 = state[14] as number, x15 = state[15] as number
  let u = 0
  for (let round = 0; round < 10; round++) {
    u = x0 + x12 | 0; x4 ^= u << 7 | u >>> 25; u = x4 + x0 | 0; x8 ^= u << 9 | u >>> 23
    u = x8 + x4 | 0; x12 ^= u << 13 | u >>> 19; u = x12 + x8 | 0; x0 ^= u << 18 | u >>> 14
    u = x5 + x1 | 0; x9 ^= u << 7 | u >>> 25; u = x9 + x5 | 0; x13 ^= u << 9 | u >>> 23
    u = x13 + x9 | 0; x1 ^= u << 13 | u >>> 19; u = x1 + x13 | 0; x5 ^= u << 18 | u >>> 14
    u = x10 + x6 | 0; x14 ^= u << 7 | u >>> 25; u = x14 + x10 | 0; x2 ^= u << 9 | u >>> 23
    u = x2 + x14 | 0; x6 ^= u << 13 | u >>> 19; u = x6 + x2 | 0; x10 ^= u << 18 | u >>> 14
    u = x15 + x11 | 0; x3 ^= u << 7 | u >>> 25; u = x3 + x15 | 0; x7 ^= u << 9 | u >>> 23
    u = x7 + x3 | 0; x11 ^= u << 13 | u >>> 19; u = x11 + x7 | 0; x15 ^= u << 18 | u >>> 14
    u = x0 + x3 | 0; x1 ^= u << 7 | u >>> 25; u = x1 + x0 | 0; x2 ^= u << 9 | u >>> 23
    u = x2 + x1 | 0; x3 ^= u << 13 | u >>> 19; u = x3 + x2 | 0; x0 ^= u << 18 | u >>> 14
    u = x5 + x4 | 0; x6 ^= u << 7 | u >>> 25; u = x6 + x5 | 0; x7 ^= u << 9 | u >>> 23
    u = x7 + x6 | 0; x4 ^= u << 13 | u >>> 19; u = x4 + x7 | 0; x5 ^= u << 18 | u >>> 14
    u = x10 + x9 | 0; x11 ^= u << 7 | u >>> 25; u = x11 + x10 | 0; x8 ^= u << 9 | u >>> 23
    u = x8 + x11 | 0; x9 ^= u << 13 | u >>> 19; u = x9 + x8 | 0; x10 ^= u << 18 | u >>> 14
    u = x15 + x14 | 0; x12 ^= u << 7 | u >>> 25; u = x12 + x15 | 0; x13 ^= u << 9 | u >>> 23
    u = x13 + x12 | 0; x14 ^= u << 13 | u >>> 19; u = x14 + x13 | 0; x15 ^= u << 18 | u >>> 14
  }
  out[0] = x0; out[1] = x1; out[2] = x2; out[3] = x3; out[4] = x4; out[5] = x5; out[6] = x6; out[7] = x7
  out[8] = x8; out[9] = x9; out[10] = x10; out[11] = x11; out[12] = x12; out[13] = x13; out[14] = x14; out[15] = x15
}
