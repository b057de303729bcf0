import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { byteLengthOfText, bytesOfText, compareBytes, percentDecode, quotedText, textOfBytes } from '../../../../src/base/text/byte-text.ts'
import { percentEncode } from '../../../../src/base/text/percent-encode.ts'
import { byteNames, escapedBytes, manyByteNames } from '../../../support/byte-names.ts'

describe('bytes as text', () => {
  it('come back as they were, each with a text of its own', () => {
    const names = manyByteNames()

    const texts = names.map(textOfBytes)

    assert.equal(new Set(texts).size, names.length)
    for (const [at, text] of texts.entries()) assert.deepEqual(bytesOfText(text), names[at])
  })

  it('are their UTF-8 where they are that', () => {
    assert.equal(textOfBytes(Buffer.from('\ufeffä\u{1f600}\ufffd')), '\ufeffä\u{1f600}\ufffd')
    assert.equal(textOfBytes(Buffer.from([0x61, 0xf1, 0xc3, 0xa4])), 'a\udcf1ä')
  })

  it('have a length and an order, those of the bytes', () => {
    const names = byteNames()

    const sorted = names.map(textOfBytes).toSorted(compareBytes)

    assert.deepEqual(sorted.map(bytesOfText), names.toSorted(Buffer.compare))
    for (const name of names) assert.equal(byteLengthOfText(textOfBytes(name)), name.length)
  })

  it('are what %XX stands for, there and back', () => {
    for (const name of byteNames()) {
      const text = percentDecode(escapedBytes(name))

      assert.equal(text, textOfBytes(name))
      assert.equal(percentDecode(percentEncode(text ?? '')), text)
    }
  })

  it('are no bytes where half a surrogate pair is another', () => {
    assert.deepEqual(bytesOfText('a\ud800'), Buffer.from('a\ufffd'))
    assert.equal(percentEncode('a\ud800\udcf1'), 'a%F0%90%83%B1')
    assert.equal(percentEncode('\udcf1\ud800'), '%F1%EF%BF%BD')
  })

  it('stand in quotation marks as Go prints them', () => {
    const bytes = Buffer.from(
      [0x22, 0x5c, 0x07, 0x0a, 0x1f, 0x7f, 0xf1, 0xef, 0xbb, 0xbf, 0xef, 0xbf, 0xbd, 0xc3, 0xa4, 0xf3, 0xa0, 0x80, 0x81]
    )

    assert.equal(quotedText(textOfBytes(bytes)), '"\\"\\\\\\a\\n\\x1f\\x7f\\xf1\\ufeff\ufffdä\\U000e0001"')
  })
})
