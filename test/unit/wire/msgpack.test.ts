import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isClusterError } from '../../../src/base/errors.ts'
import { MsgpackReader, MsgpackWriter } from '../../../src/wire/msgpack.ts'
import { defaultLimits, ValueScan } from '../../../src/wire/msgpack-scan.ts'

const written = (write: (writer: MsgpackWriter) => void): Buffer => {
  const writer = new MsgpackWriter()
  write(writer)
  return Buffer.from(writer.bytes())
}

describe('msgpack in Go\'s dialect', () => {
  it('writes integers in the families that Go uses', () => {
    const hex = (value: number | bigint): string => written(writer => writer.int(value)).toString('hex')

    assert.deepEqual([0, 127, 128, -1, -32, -33, -128, -129, 32768, -32769, 2147483648, -2147483649].map(hex),
      ['00', '7f', 'd10080', 'ff', 'e0', 'd0df', 'd080', 'd1ff7f', 'd200008000', 'd2ffff7fff', 'd30000000080000000', 'd3ffffffff7fffffff'])
  })

  it('writes unsigned integers and raw values without the new forms', () => {
    assert.equal(written(writer => {
      writer.uint(127); writer.uint(255); writer.uint(65535); writer.uint(65536); writer.uint(2n ** 63n)
    }).toString('hex'),
      '7fccffcdffffce00010000cf8000000000000000')
    assert.equal(written(writer => writer.raw('x'.repeat(32))).subarray(0, 3).toString('hex'), 'da0020')
  })

  it('reads back what it wrote', () => {
    const bytes = written(writer => {
      writer.map(2); writer.raw('a'); writer.array(3); writer.int(-5); writer.float(1.5); writer.nil(); writer.raw('b'); writer.bool(true)
    })
    const reader = new MsgpackReader(bytes)

    const seen = [reader.map(), reader.text(), reader.array(), reader.number(), reader.float(), reader.nil(), reader.text(), reader.bool()]

    assert.deepEqual(seen, [2, 'a', 3, -5, 1.5, true, 'b', true])
    assert.equal(reader.position, bytes.length)
  })

  it('measures a value however much of it is there', () => {
    const bytes = written(writer => {
      writer.map(2); writer.raw('key'); writer.array(2); writer.raw('v'.repeat(300)); writer.uint(70000); writer.raw('z'); writer.map(0)
    })

    for (let length = 0; length < bytes.length; length++) {
      const measured = new ValueScan().advance(bytes.subarray(0, length))
      assert.ok(measured.need != null && measured.need > length && measured.need <= bytes.length, `with ${length} bytes`)
    }
    assert.deepEqual(new ValueScan().advance(Buffer.concat([bytes, Buffer.from('c0', 'hex')])), { end: bytes.length })
  })

  it('refuses what is too large or too deep', () => {
    const refused = (hex: string): boolean => {
      try { new ValueScan().advance(Buffer.from(hex, 'hex')) } catch (err) { return isClusterError(err, 'INVALID_DATA') }
      return false
    }

    assert.ok(refused('dbffffffff'))
    assert.ok(refused('ddffffffff'))
    assert.ok(refused('91'.repeat(40)))
    assert.ok(refused('c1'))
  })

  it('goes on where it stood when more bytes are there', () => {
    const bytes = written(writer => {
      writer.map(2); writer.raw('key'); writer.array(2); writer.raw('v'.repeat(300)); writer.uint(70000); writer.raw('z'); writer.map(0)
    })
    const scan = new ValueScan()

    const found = Array.from(bytes, (_, at) => scan.advance(bytes.subarray(0, at)).end)

    assert.deepEqual(found, found.map(() => undefined))
    assert.equal(scan.advance(bytes).end, bytes.length)
  })

  it('takes each limit, and nothing above it, as soon as it is announced', () => {
    const limits = { depth: 3, rawBytes: 300, items: 20, valueBytes: 400 }
    const takes = (hex: string): boolean => {
      try { new ValueScan(limits).advance(Buffer.from(hex, 'hex')) } catch (err) { return !isClusterError(err, 'INVALID_DATA') }
      return true
    }

    const rows = { depth: ['919191c0', '91919191c0'], rawBytes: ['da012c', 'da012d'], items: ['dc0014', 'dc0015'], pairs: ['8a', '8b'] }

    for (const [name, [most = '', more = '']] of Object.entries(rows)) assert.deepEqual([takes(most), takes(more)], [true, false], name)
  })

  it('takes a value of valueBytes bytes, and none with one more', () => {
    const bytes = written(writer => { writer.array(2); writer.raw(new Uint8Array(50)); writer.raw(new Uint8Array(40)) })
    const take = (valueBytes: number) => () => new ValueScan({ ...defaultLimits, valueBytes }).advance(bytes)

    assert.equal(take(bytes.length)().end, bytes.length)
    assert.throws(take(bytes.length - 1), { code: 'INVALID_DATA' })
  })

  it('refuses a value that says it will be too long before it is there', () => {
    const head = written(writer => { writer.array(3); writer.raw(new Uint8Array(50)) })

    const scan = new ValueScan({ ...defaultLimits, valueBytes: head.length + 1 })

    assert.throws(() => scan.advance(head), { code: 'INVALID_DATA' })
  })
})

it('large raw values are handed out as they are, between what was written before and after', () => {
  const large = new Uint8Array(20_000).fill(7)
  const write = (): MsgpackWriter => {
    const writer = new MsgpackWriter()
    writer.map(1)
    writer.raw('d')
    writer.raw(large)
    writer.uint(5)
    return writer
  }

  const parts = write().parts()

  assert.equal(parts[1], large)
  assert.deepEqual(Buffer.from(write().bytes()), Buffer.concat(parts))
  assert.deepEqual([...write().bytes().subarray(0, 6)], [0x81, 0xa1, 0x64, 0xda, 0x4e, 0x20])
  assert.equal(write().bytes().at(-1), 5)
})
