import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parsePinOptions } from '../../../../src/api/common/pin-options.ts'
import { Query } from '../../../../src/http/request/query.ts'

const options = (query: string): ReturnType<typeof parsePinOptions> => parsePinOptions(new Query(query), 0)

describe('pin options of a query', () => {
  for (const query of ['name=%ff%fe', 'name=a%C3', 'meta-key=%ff', 'meta-%ff=value']) {
    it(`refuse ${query}, which is no UTF-8`, () => {
      assert.throws(() => options(query), /string field contains invalid UTF-8/)
    })
  }

  it('take every character of Unicode, the one for unknown ones too', () => {
    const { name, metadata } = options('name=%EF%BF%BD%20%E2%98%83&meta-schl%C3%BCssel=%F0%9F%98%80')

    assert.deepEqual([name, metadata], ['\ufffd \u2603', { schlüssel: '\u{1f600}' }])
  })

  it('have limits as metadata, whichever way they are given', () => {
    assert.deepEqual(options('max-size=100MB&max-blocks=7').metadata, { 'max-size': '100MB', 'max-blocks': '7' })
    assert.deepEqual(options('meta-max-size=1000&meta-a=b').metadata, { 'max-size': '1000', a: 'b' })
    assert.deepEqual(options('max-size=1&meta-max-size=2').metadata, { 'max-size': '1' })
  })

  for (const query of ['max-size=0', 'max-size=big', 'meta-max-size=-1', 'max-blocks=1.5', 'max-blocks=0', 'meta-max-blocks=many']) {
    it(`refuse ${query}, which is no limit`, () => {
      assert.throws(() => options(query), /max-(size|blocks) is invalid: /)
    })
  }

  for (const [text, reason] of [
    ['x', 'cid too short'],
    ['nonsense', 'selected encoding not supported'],
    ['zzz', 'invalid cid: expected 1 as the cid version number, got: 13'],
    ['bafkreiz', 'invalid cid: length greater than remaining number of bytes in buffer']
  ] as const) {
    it(`say of pin-update=${text} what Go says`, () => {
      assert.throws(() => options(`pin-update=${text}`), { message: `error decoding update option parameter: invalid cid: ${reason}` })
    })
  }
})
