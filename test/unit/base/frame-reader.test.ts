import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { varintBytes } from '../../../src/base/varint.ts'
import { FrameReader } from '../../../src/base/frame-reader.ts'
import { quietMs } from '../../support/poll.ts'

const framed = (size: number): Buffer => Buffer.concat([varintBytes(size), Buffer.alloc(size, 7)])

function sizesOf (bytes: Buffer, { most, pieceBytes }: { most: number, pieceBytes: number }): number[] {
  const reader = new FrameReader(most)
  const sizes: number[] = []
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    for (const frame of reader.push(bytes.subarray(at, at + pieceBytes))) sizes.push(frame.length)
  }
  assert.ok(reader.idle)
  return sizes
}

describe('frames with their length in front', { timeout: quietMs(5000) }, () => {
  for (const most of [1, 127, 128, 300, 512 * 1024]) {
    it(`are taken up to ${most} bytes and refused as soon as one says that it has one more`, () => {
      for (const pieceBytes of most > 1000 ? [4096, most * 2] : [1, 3, most * 2]) {
        assert.deepEqual(sizesOf(Buffer.concat([framed(most), framed(1)]), { most, pieceBytes }), [most, 1])
      }

      assert.throws(() => [...new FrameReader(most).push(varintBytes(most + 1))], { code: 'INVALID_DATA' })
    })
  }

  it('are refused when their length does not end', () => {
    const reader = new FrameReader(1000)

    assert.deepEqual([...reader.push(Buffer.alloc(5, 0x80))], [])
    assert.throws(() => [...reader.push(Buffer.of(0x80))], { code: 'INVALID_DATA' })
  })

  it('are read in pieces of 64 bytes', () => {
    assert.deepEqual(sizesOf(framed(1 << 20), { most: 1 << 20, pieceBytes: 64 }), [1 << 20])
  })
})
