import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readFile } from 'node:fs/promises'
import { dataAt, salsa20Core, stateAt } from '../../../../../src/network/host/secret/salsa20-wasm.ts'
import { XSalsa20 } from '../../../../../src/network/host/secret/xsalsa20.ts'

interface Secret { secret_hex: string, example_nonce_hex: string, xsalsa20_keystream_first_64_bytes_hex: string }

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const key = hex('1b'.repeat(32))
const nonce = hex('2c'.repeat(24))

describe('XSalsa20', () => {
  it("gives Go's key stream", async () => {
    const { secrets } = JSON.parse(
      await readFile(new URL('../../../../vectors/crdt/identities.json', import.meta.url), 'utf8')
    ) as { secrets: Secret[] }

    const streams = secrets.map(secret => new XSalsa20(hex(secret.secret_hex), hex(secret.example_nonce_hex)).xor(new Uint8Array(64)))

    assert.ok(streams.length > 0)
    assert.deepEqual(
      streams.map(stream => Buffer.from(stream).toString('hex')), secrets.map(secret => secret.xsalsa20_keystream_first_64_bytes_hex)
    )
  })

  it('ciphers pieces of any length and alignment as it ciphers the whole', () => {
    const whole = new Uint8Array(5000).map((_, at) => at % 251)
    const expected = new XSalsa20(key, nonce).xor(whole)
    const stream = new XSalsa20(key, nonce)
    const pieces: Uint8Array[] = []

    for (let at = 0, length = 0; at < whole.length; at += length, length = (length * 7 + 1) % 300) {
      pieces.push(stream.xor(whole.subarray(at, at + length)))
    }

    assert.deepEqual(new Uint8Array(Buffer.concat(pieces)), expected)
  })

  it('gives the blocks of Salsa20 wherever the counter stands', () => {
    const { memory, run } = salsa20Core()
    const words = Uint32Array.from({ length: 16 }, (_, at) => (at + 1) * 0x9e3779b1)
    const text = new Uint8Array(512).map((_, at) => at % 253)
    for (const [low, high] of [[0, 0], [0xfffffffd, 7], [0xffffffff, 0xffffffff]] as const) {
      words.set([low, high], 8)
      const expected = Buffer.concat(Array.from({ length: 8 }, (_, block) => salsa20Block(words, BigInt(block))))

      memory.set(new Uint8Array(words.buffer), stateAt)
      memory.set(text, dataAt)
      run(512)

      assert.deepEqual(Buffer.from(memory.slice(dataAt, dataAt + 512)), Buffer.from(expected.map((byte, at) => byte ^ (text[at] ?? 0))))
    }
  })

  it('deciphers with the same key and nonce', () => {
    const text = new TextEncoder().encode('behind the secret '.repeat(40))

    const read = new XSalsa20(key, nonce).xor(new XSalsa20(key, nonce).xor(text))

    assert.deepEqual(read, text)
  })
})

/** Salsa20 as its specification writes it: the block that lies `ahead` of the state's counter. */
function salsa20Block (words: Uint32Array, ahead: bigint): Uint8Array {
  const input = Uint32Array.from(words)
  const counter = BigInt.asUintN(64, (BigInt(input[9] ?? 0) << 32n | BigInt(input[8] ?? 0)) + ahead)
  input.set([Number(counter & 0xffffffffn), Number(counter >> 32n)], 8)
  const x = Uint32Array.from(input)
  const at = (index: number): number => x[index] ?? 0
  const turn = (to: number, a: number, b: number, bits: number): void => {
    const sum = at(a) + at(b) >>> 0
    x[to] = at(to) ^ (sum << bits | sum >>> 32 - bits)
  }
  const quarter = (a: number, b: number, c: number, d: number): void => {
    turn(b, a, d, 7); turn(c, b, a, 9); turn(d, c, b, 13); turn(a, d, c, 18)
  }
  for (let round = 0; round < 10; round++) {
    quarter(0, 4, 8, 12); quarter(5, 9, 13, 1); quarter(10, 14, 2, 6); quarter(15, 3, 7, 11)
    quarter(0, 1, 2, 3); quarter(5, 6, 7, 4); quarter(10, 11, 8, 9); quarter(15, 12, 13, 14)
  }
  return new Uint8Array(x.map((word, index) => word + (input[index] ?? 0)).buffer)
}

it('bytes are ciphered where they lie, in windows', () => {
  const [key, nonce, input] = [new Uint8Array(32).fill(1), new Uint8Array(24).fill(2), new Uint8Array(200_000).fill(3)]
  const inPlace = input.slice()

  new XSalsa20(key, nonce).xorInto(inPlace, inPlace, 0)

  assert.deepEqual(Buffer.from(inPlace), Buffer.from(new XSalsa20(key, nonce).xor(input)))
})
