import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { messageOf } from '../../../src/base/errors.ts'
import { lend } from '../../../src/base/lent-memory.ts'
import { createChunkSource } from '../../../src/importer/chunk-source.ts'
import { parseChunker } from '../../../src/importer/chunkers.ts'
import { sha256Counter } from '../../support/add-vectors.ts'

/** The chunks' lengths, after their bytes were checked. */
function chunkLengths (option: string, bytes: Uint8Array, pieceBytes: number): number[] {
  const source = createChunkSource(parseChunker(option))
  const lengths: number[] = []
  const copy = Buffer.alloc(bytes.length)
  let at = 0
  const takeAll = (final: boolean): void => {
    for (let length = source.next(final); length > 0; length = source.next(final)) {
      const shared = source.share()
      if (shared == null) source.copy(copy, at)
      else copy.set(shared, at)
      at += length
      lengths.push(length)
    }
  }
  for (let from = 0; from < bytes.length; from += pieceBytes) {
    source.push(bytes.subarray(from, from + pieceBytes))
    takeAll(false)
  }
  takeAll(true)
  assert.ok(copy.equals(bytes))
  return lengths
}

function failureOf (option: string): string {
  try {
    parseChunker(option)
    return ''
  } catch (err) {
    return messageOf(err)
  }
}

const sample = sha256Counter('chunks', 1_600_000)

describe('chunkers', () => {
  for (const option of ['size-1000', 'size-262144', 'buzhash', 'rabin', 'rabin-4096', 'rabin-16-300-2000']) {
    it(`cuts with ${option} at the same places whatever the pieces are`, () => {
      const expected = chunkLengths(option, sample, sample.length)

      for (const pieceBytes of [997, 65536, 1 << 20]) assert.deepEqual(chunkLengths(option, sample, pieceBytes), expected)
    })
  }

  for (const option of ['size-1000', 'size-262144', 'buzhash', 'rabin']) {
    it(`gives lent memory back as soon as it is copied with ${option}`, () => {
      const pieces = [sample.slice(0, 700_000), sample.slice(700_000)].map(piece => Buffer.from(piece))
      let back = 0
      for (const piece of pieces) lend(piece, () => { back++ })

      const source = createChunkSource(parseChunker(option))
      for (const [n, piece] of pieces.entries()) {
        source.push(piece)
        for (const final of n === 0 ? [false] : [false, true]) {
          for (let length = source.next(final); length > 0; length = source.next(final)) source.copy(Buffer.alloc(length), 0)
        }
      }

      assert.equal(back, 2)
    })
  }

  it('keeps lent memory of which a chunk is a part', () => {
    const piece = Buffer.from(sample.slice(0, 60_000))
    let back = 0
    lend(piece, () => { back++ })
    const source = createChunkSource(parseChunker('size-20000'))

    source.push(piece)
    for (let n = 0; n < 3; n++) {
      source.next(false)
      if (n === 1) assert.notEqual(source.share(), undefined)
      else source.copy(Buffer.alloc(20_000), 0)
    }

    assert.equal(back, 0)
  })

  it('keeps within the bounds of rabin', () => {
    const lengths = chunkLengths('rabin-min:1000-avg:2000-max:3000', sample, 65536)

    const last = lengths.pop() ?? 0
    assert.ok(last > 0 && last <= 3000)
    assert.ok(lengths.every(length => length >= 1000 && length <= 3000))
    assert.ok(new Set(lengths).size > 100)
  })

  it('keeps within the bounds of buzhash', () => {
    const lengths = chunkLengths('buzhash', sample, 65536)

    lengths.pop()
    assert.ok(lengths.length > 3)
    assert.ok(lengths.every(length => length >= 131072 && length <= 524288))
  })

  it('cuts bytes that never fit at the largest size', () => {
    const same = new Uint8Array(1_200_000).fill(7)

    assert.deepEqual(chunkLengths('buzhash', same, 100_000), [524288, 524288, 151424])
  })

  it('gives no chunk for no bytes', () => {
    for (const option of ['size-5', 'rabin', 'buzhash']) assert.deepEqual(chunkLengths(option, new Uint8Array(0), 1), [])
  })

  it('serves one file after the other', () => {
    const source = createChunkSource(parseChunker('rabin-4096'))
    const target = new Uint8Array(10_000)
    const lengths: number[] = []
    for (let file = 0; file < 2; file++) {
      source.push(sample.subarray(0, 20_000))
      for (const final of [false, true]) {
        for (let length = source.next(final); length > 0; length = source.next(final)) {
          source.copy(target, 0)
          lengths.push(length)
        }
      }
    }

    const half = lengths.length / 2
    assert.deepEqual(lengths.slice(half), lengths.slice(0, half))
  })

  it('never cuts with a rabin minimum below the window, until the file is too large for a block', () => {
    const fits = chunkLengths('rabin-40', sample, 65536)

    assert.deepEqual(fits, [sample.length])
    assert.throws(
      () => chunkLengths('rabin-40', new Uint8Array(2_097_153), 65536), { code: 'INVALID_ARGUMENT', message: 'object size limit exceeded' }
    )
  })

  it('takes the largest sizes', () => {
    for (const option of ['', 'default', 'size-2096896', 'size-+5', 'rabin-1397930', 'rabin-16-17-2096896', 'buzhash-x']) {
      assert.equal(failureOf(option), '')
    }
  })

  it("refuses with Go's texts", () => {
    const tooLarge = 'chunker parameters may not exceed the maximum chunk size of 2096896'
    const failures: Record<string, string> = {
      bogus: 'unrecognized chunker option: bogus',
      'Size-5': 'unrecognized chunker option: Size-5',
      constructor: 'unrecognized chunker option: constructor',
      size: 'incorrect chunker string format (expected size-{size})',
      'size--5': 'incorrect chunker string format (expected size-{size})',
      'size-': 'strconv.Atoi: parsing "": invalid syntax',
      'size-1e3': 'strconv.Atoi: parsing "1e3": invalid syntax',
      'size-9223372036854775808': 'strconv.Atoi: parsing "9223372036854775808": value out of range',
      'size-0': 'chunker size must be greater than 0',
      'size-2096897': tooLarge,
      'rabin-1397932': tooLarge,
      'rabin-x': 'strconv.Atoi: parsing "x": invalid syntax',
      'rabin-1-2': "incorrect format (expected 'rabin' 'rabin-[avg]' or 'rabin-[min]-[avg]-[max]'",
      'rabin-10-20-30': 'rabin min must be greater than 16',
      'rabin-low:20-avg:30-max:40': 'first label must be min',
      'rabin-min:20-mean:30-max:40': 'second label must be avg',
      'rabin-min:20-avg:30-high:40': 'final label must be max',
      'rabin-20-20-30': 'incorrect format: rabin-min must be smaller than rabin-avg',
      'rabin-20-30-30': 'incorrect format: rabin-avg must be smaller than rabin-max',
      'rabin-20-30-2096897': tooLarge
    }

    for (const [option, message] of Object.entries(failures)) assert.equal(failureOf(option), message)
  })
})
