/**
 * Salsa20's core as a WebAssembly module that is assembled here: four blocks at a time, one in each lane of 128-bit vectors. Several times
 * as fast as JavaScript's 32-bit integers, and everything that two peers say goes through it.
 *
 * Memory (one page for each part, never grown; calls don't overlap, so that all ciphers share it): the 16 words of the state at `stateAt`,
 * data at `dataAt`. `run(length)` puts `length` bytes at `dataAt` (a multiple of 256) under the key stream that begins with the state's
 * counter. The state stays as it is.
 */
export const stateAt = 0
/** Behind the first page, which the state has to itself. */
export const dataAt = 65_536
/** Bytes that one call can take. */
export const dataBytes = 65_536

const local = { length: 0, at: 1, round: 2, counter: 3, x: 4, u: 20, low: 21, high: 22, rows: 23 } as const

/** Opcodes by their names in the specification. */
const op = {
  loop: 0x03, end: 0x0b, brIf: 0x0d, get: 0x20, set: 0x21, tee: 0x22, i64Load: 0x29, i32Const: 0x41, i64Const: 0x42, i32LtU: 0x49,
  i32Add: 0x6a,
  i64Add: 0x7c, i64ShrU: 0x88, i32WrapI64: 0xa7, voidType: 0x40
} as const
const vector = {
  load: [0xfd, 0x00], loadSplat: [0xfd, 0x09], store: [0xfd, 0x0b], shuffle: [0xfd, 0x0d], splat: [0xfd, 0x11], replaceLane: [0xfd, 0x1c],
  or: [0xfd, 0x50], xor: [0xfd, 0x51], shl: [0xfd, 0xab, 0x01], shrU: [0xfd, 0xad, 0x01], add: [0xfd, 0xae, 0x01]
} as const

const unsigned = (value: number): number[] => value < 128 ? [value] : [value % 128 | 128, ...unsigned(Math.floor(value / 128))]
const signed = (value: number): number[] => value >= -64 && value < 64 ? [value & 127] : [value & 127 | 128, ...signed(value >> 7)]
const get = (index: number): number[] => [op.get, index]
const set = (index: number): number[] => [op.set, index]
const constant = (value: number): number[] => [op.i32Const, ...signed(value)]
const times = (count: number, make: (index: number) => number[]): number[] =>
  Array.from({ length: count }, (_, index) => make(index)).flat()

/** x[to] ^= rotate(x[a] + x[b], bits) */
const quarter = (to: number, a: number, b: number, bits: number): number[] => [
  ...get(local.x + a), ...get(local.x + b), ...vector.add, op.tee, local.u, ...constant(bits), ...vector.shl,
  ...get(local.u), ...constant(32 - bits), ...vector.shrU, ...vector.or, ...get(local.x + to), ...vector.xor, ...set(local.x + to)
]

/** Columns, then rows: the first index of each quarter round, and what is added to walk on. */
const doubleRound = [
  [[0, 4, 8, 12], [5, 9, 13, 1], [10, 14, 2, 6], [15, 3, 7, 11]], [[0, 1, 2, 3], [5, 6, 7, 4], [10, 11, 8, 9], [15, 12, 13, 14]]
]
  .flat()
  .flatMap(
    ([a = 0, b = 0, c = 0, d = 0]) => [...quarter(b, a, d, 7), ...quarter(c, b, a, 9), ...quarter(d, c, b, 13), ...quarter(a, d, c, 18)]
  )

/** A word of the state in all lanes; the counter's two words are those of four blocks that follow each other. */
const initialWord = (index: number): number[] =>
  index === 8 ? get(local.low) : index === 9 ? get(local.high) : [...constant(stateAt), ...vector.loadSplat, 2, ...unsigned(index * 4)]

const counterWord = (to: number, shift: number): number[] => [
  ...constant(0), ...vector.splat,
  ...times(4, lane => [
    ...get(local.counter), op.i64Const, ...signed(lane), op.i64Add, op.i64Const, ...signed(shift), op.i64ShrU, op.i32WrapI64,
    ...vector.replaceLane, lane
  ]),
  ...set(to)
]

/** The lanes 0 to 3 of the first vector and 4 to 7 of the second, in this order. */
const shuffle = (...lanes: number[]): number[] => [...vector.shuffle, ...lanes.flatMap(lane => [0, 1, 2, 3].map(byte => lane * 4 + byte))]

const row = (index: number): number => local.rows + index

/** Four words of four blocks: from one word per vector to one block per vector, and onto the data. */
function xorWords (group: number): number[] {
  const x = (index: number): number[] => get(local.x + group * 4 + index)
  return [
    ...x(0), ...x(1), ...shuffle(0, 4, 1, 5), ...set(row(0)), ...x(2), ...x(3), ...shuffle(0, 4, 1, 5), ...set(row(1)),
    ...x(0), ...x(1), ...shuffle(2, 6, 3, 7), ...set(row(2)), ...x(2), ...x(3), ...shuffle(2, 6, 3, 7), ...set(row(3)),
    ...times(4, block => {
      const offset = unsigned(dataAt + block * 64 + group * 16)
      const [a, b] = block < 2 ? [row(0), row(1)] : [row(2), row(3)]
      const halves = block % 2 === 0 ? shuffle(0, 1, 4, 5) : shuffle(2, 3, 6, 7)
      return [
        ...get(local.at), ...get(local.at), ...vector.load, 4, ...offset, ...get(a), ...get(b), ...halves, ...vector.xor, ...vector.store,
        4, ...offset
      ]
    })
  ]
}

const body = [
  ...constant(stateAt), op.i64Load, 3, ...unsigned(32), ...set(local.counter),
  op.loop, op.voidType,
  ...counterWord(local.low, 0), ...counterWord(local.high, 32),
  ...times(16, index => [...initialWord(index), ...set(local.x + index)]),
  ...constant(0), ...set(local.round),
  op.loop, op.voidType,
  ...doubleRound,
  ...get(local.round), ...constant(1), op.i32Add, op.tee, local.round, ...constant(10), op.i32LtU, op.brIf, 0,
  op.end,
  ...times(16, index => [...get(local.x + index), ...initialWord(index), ...vector.add, ...set(local.x + index)]),
  ...times(4, xorWords),
  ...get(local.counter), op.i64Const, 4, op.i64Add, ...set(local.counter),
  ...get(local.at), ...constant(256), op.i32Add, op.tee, local.at, ...get(local.length), op.i32LtU, op.brIf, 0,
  op.end, op.end
]

const sized = (bytes: number[]): number[] => [...unsigned(bytes.length), ...bytes]
const section = (id: number, content: number[]): number[] => [id, ...sized(content)]
const text = (value: string): number[] => sized([...Buffer.from(value)])
const [i32, i64, v128] = [0x7f, 0x7e, 0x7b]

function moduleBytes (): Uint8Array<ArrayBuffer> {
  const locals = [3, 2, i32, 1, i64, 23, v128]
  return Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [1, 0x60, 1, i32, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 1, 2, 2]),
    ...section(7, [2, ...text('run'), 0, 0, ...text('memory'), 2, 0]),
    ...section(10, [1, ...sized([...locals, ...body])])
  ])
}

/** What is used of the global, which Node's types leave to the browser's. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object) => { exports: unknown }
}

/** The module's memory, and its one function: see the top of this file. */
export interface Salsa20Core { readonly memory: Uint8Array, readonly run: (length: number) => void }

let core: Salsa20Core | undefined

/** The one instance of the module, made at the first call. Its memory is shared by all who call it, one at a time. */
export function salsa20Core (): Salsa20Core {
  if (core == null) {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()))
    const { run, memory } = exports as { run: (length: number) => void, memory: { buffer: ArrayBuffer } }
    core = { run, memory: new Uint8Array(memory.buffer) }
  }
  return core
}
