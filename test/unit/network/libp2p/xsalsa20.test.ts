import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readFile } from 'node:fs/promises'
import { XSalsa20 } from '../../../../src/network/libp2p/xsalsa20.ts'

interface Secret { secret_hex: string, example_nonce_hex: string, xsalsa20_keystream_first_64_bytes_hex: string }

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const key = hex('1b'.repeat(32))
const nonce = hex('2c'.repeat(24))

describe('XSalsa20', () => {
  it("gives Go's key stream", async () => {
    const { secrets } = JSON.parse(await readFile(new URL('../../../vectors/crdt/identities.json', import.meta.url), 'utf8')) as { secrets: Secret[] }

    const streams = secrets.map(secret => new XSalsa20(hex(secret.secret_hex), hex(secret.example_nonce_hex)).xor(new Uint8Array(64)))

    assert.ok(streams.length > 0)
    assert.deepEqual(streams.map(stream => Buffer.from(stream).toString('hex')), secrets.map(secret => secret.xsalsa20_keystream_first_64_bytes_hex))
  })

  it('ciphers pieces of any length and alignment as it ciphers the whole', () => {
    const whole = new Uint8Array(5000).map((_, at) => at % 251)
    const expected = new XSalsa20(key, nonce).xor(whole)
    const stream = new XSalsa20(key, nonce)
    const pieces: Uint8Array[] = []

    for (let at = 0, length = 0; at < whole.length; at += length, length = (length * 7 + 1) % 300) pieces.push(stream.xor(whole.subarray(at, at + length)))

    assert.deepEqual(new Uint8Array(Buffer.concat(pieces)), expected)
  })

  it('deciphers with the same key and nonce', () => {
    const text = new TextEncoder().encode('behind the secret '.repeat(40))

    const read = new XSalsa20(key, nonce).xor(new XSalsa20(key, nonce).xor(text))

    assert.deepEqual(read, text)
  })
})
