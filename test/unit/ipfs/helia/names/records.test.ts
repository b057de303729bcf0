import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { privateKeyFromProtobuf, privateKeyToProtobuf, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { encode as encodeCbor } from '@ipld/dag-cbor'
import { CID } from 'multiformats/cid'
import { ipnsKeyText, parseIpnsKey } from '../../../../../src/model/ipns-name.ts'
import { ProtobufWriter } from '../../../../../src/wire/protobuf.ts'
import { compareRecords, decodeIpnsRecord, encodeIpnsRecord, rfc3339, signedBytes } from '../../../../../src/wire/ipns-record.ts'
import { verifiedRecord } from '../../../../../src/ipfs/helia/names/verified-record.ts'

interface RecordedKey {
  name: string, key: string, id: string, peer: string,
  records: Array<{ value: string, validity: string, sequence: string, ttlNs: string, withV1: boolean, record: string }>
}

/** Made by Kubo. */
const { keys }: { keys: RecordedKey[] } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../../vectors/ipns/records.json'), 'utf8')
)
const now = Date.UTC(2026, 10, 28)
const bytesOf = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, 'base64'))
const [ed] = keys as [RecordedKey]

/** A record with these fields in its data, signed by the first recorded key. */
async function signed (
  data: Record<string, unknown>, change: (writer: ProtobufWriter) => ProtobufWriter = writer => writer
): Promise<Uint8Array> {
  const cbor = encodeCbor(data)
  const signature = await privateKeyFromProtobuf(bytesOf(ed.key)).sign(signedBytes(cbor))
  return Uint8Array.from(change(new ProtobufWriter()).bytesField(8, signature).bytesField(9, cbor).finish())
}

const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value))
const plain = { Value: text('/ipfs/bafkqaaa'), Validity: text('2083-12-13T04:10:52.5Z'), ValidityType: 0, Sequence: 3, TTL: 7_000_000_000 }
const check = async (bytes: Uint8Array, at = now): Promise<unknown> => verifiedRecord(bytes, { key: ed.peer, now: at })

describe('IPNS records', () => {
  for (const { name, key, id, peer, records } of keys) {
    it(`of a ${name} key are read and verified as Kubo made them`, async () => {
      for (const { record, value, validity, sequence, ttlNs } of records) {
        const read = await verifiedRecord(bytesOf(record), { key: peer, now })

        assert.deepEqual({ ...read, bytes: 0, data: 0, signatureV2: 0, publicKey: 0, validUntilNs: 0 },
          {
            value, validity, sequence: BigInt(sequence), ttlNs: BigInt(ttlNs), bytes: 0, data: 0, signatureV2: 0, publicKey: 0,
            validUntilNs: 0
          })
      }
      assert.equal(parseIpnsKey(id), peer)
      assert.equal(ipnsKeyText(peer), id)
    })

    it(`of a ${name} key are made byte for byte as Kubo's`, async () => {
      const privateKey = privateKeyFromProtobuf(bytesOf(key))
      const publicKey = privateKey.publicKey.toMultihash().code === 0 ? undefined : publicKeyToProtobuf(privateKey.publicKey)
      for (const { record, value, validity, sequence, ttlNs, withV1 } of records) {
        const made = await encodeIpnsRecord(
          { value, validity, sequence: BigInt(sequence), ttlNs: BigInt(ttlNs) },
          { sign: async bytes => privateKey.sign(bytes), publicKey, withV1 }
        )

        // another library may take another random number for a signature with secp256k1
        if (name !== 'secp256k1') assert.equal(Buffer.from(made).toString('base64'), record)
        await verifiedRecord(made, { key: peer, now })
      }
      assert.equal(Buffer.from(privateKeyToProtobuf(privateKey)).toString('base64'), key)
    })
  }

  it('need the signature of version 2, by this very key', async () => {
    const record = ed.records[0]?.record ?? ''
    const { signatureV2, data } = decodeIpnsRecord(bytesOf(record))
    const onlyData = Uint8Array.from(new ProtobufWriter().bytesField(9, data).finish())
    const changed = Uint8Array.from(
      new ProtobufWriter().bytesField(8, signatureV2.map((byte, at) => at === 5 ? byte ^ 1 : byte)).bytesField(9, data).finish()
    )
    const short = Uint8Array.from(new ProtobufWriter().bytesField(8, signatureV2.subarray(1)).bytesField(9, data).finish())

    for (const bytes of [onlyData, changed, short]) await assert.rejects(check(bytes), { code: 'INVALID_DATA' })
    for (const other of keys.slice(1)) {
      await assert.rejects(verifiedRecord(bytesOf(record), { key: other.peer, now }), { code: 'INVALID_DATA' })
      await assert.rejects(verifiedRecord(bytesOf(other.records[0]?.record ?? ''), { key: ed.peer, now }), { code: 'INVALID_DATA' })
    }
  })

  it('of a key that the name is only the hash of hold that key and no other', async () => {
    const rsa = keys.find(({ name }) => name === 'rsa') ?? ed
    const { data } = decodeIpnsRecord(bytesOf(rsa.records[0]?.record ?? ''))
    const signature = await privateKeyFromProtobuf(bytesOf(rsa.key)).sign(signedBytes(data))
    const foreign = Uint8Array.from(
      new ProtobufWriter().bytesField(
        7, publicKeyToProtobuf(privateKeyFromProtobuf(bytesOf(ed.key)).publicKey)
      ).bytesField(8, signature).bytesField(9, data).finish()
    )
    const without = Uint8Array.from(new ProtobufWriter().bytesField(8, signature).bytesField(9, data).finish())

    await assert.rejects(
      verifiedRecord(foreign, { key: rsa.peer, now }), { message: 'record public key does not match the expected public key' }
    )
    await assert.rejects(verifiedRecord(without, { key: rsa.peer, now }), { message: 'public key not found' })
  })

  it('may have a broken signature of version 1, but no copy that says something else', async () => {
    const copy = (value: string, ttl = 7_000_000_000) => (writer: ProtobufWriter) =>
      writer.bytesField(1, text(value)).bytesField(2, text('broken')).uintField(3, 0).bytesField(4, plain.Validity).uintField(5, 3)
        .uintField(6, ttl)

    await check(await signed(plain, copy('/ipfs/bafkqaaa')))
    await assert.rejects(
      check(await signed(plain, copy('/ipfs/bafkqaaab'))),
      { message: 'invalid bytes: field "Value" did not match between protobuf and CBOR' }
    )
    await assert.rejects(
      check(await signed(plain, copy('/ipfs/bafkqaaa', 1))),
      { message: 'invalid bytes: field "TTL" did not match between protobuf and CBOR' }
    )
    await assert.rejects(
      check(await signed(plain, writer => writer.bytesField(2, text('broken')))), { code: 'INVALID_DATA' }, 'a signature without a copy'
    )
    await assert.rejects(
      check(await signed(plain, writer => writer.bytesField(1, plain.Value))), { code: 'INVALID_DATA' }, 'a copy without a signature'
    )
  })

  it('end with their validity, to the nanosecond', async () => {
    const bytes = await signed({ ...plain, Validity: text('2026-11-28T00:00:00.000000001Z') })

    await check(bytes, now)
    await assert.rejects(check(bytes, now + 1), { code: 'INVALID_DATA', message: 'record is expired' })
  })

  it('are refused with what they lack', async () => {
    const { Sequence, ...noSequence } = plain
    const broken = {
      'a validity of another type': { ...plain, ValidityType: 1 },
      'a validity that is none': { ...plain, Validity: text('tomorrow') },
      'a day that is none': { ...plain, Validity: text('2083-02-31T00:00:00Z') },
      'no sequence number': noSequence,
      'a sequence number with a fraction': { ...plain, Sequence: Sequence + 0.5 },
      'a negative TTL': { ...plain, TTL: -1 },
      'a text as its value': { ...plain, Value: '/ipfs/bafkqaaa' },
      'a value that is no path': { ...plain, Value: text('ipfs/bafkqaaa') },
      'a value that is no UTF-8': { ...plain, Value: Uint8Array.of(0x2f, 0xff) }
    }

    for (const [what, data] of Object.entries(broken)) await assert.rejects(check(await signed(data)), { code: 'INVALID_DATA' }, what)
    await assert.rejects(check(new Uint8Array(10_241)), { code: 'INVALID_DATA' })
    await assert.rejects(check(new Uint8Array(0)), { code: 'INVALID_DATA' })
    await assert.rejects(check(text('no record at all')), { code: 'INVALID_DATA' })
  })

  it('are refused in every mutilated form with the one error', async () => {
    const bytes = bytesOf(ed.records[0]?.record ?? '')
    let nested: unknown = 1
    for (let depth = 0; depth < 600; depth++) nested = [nested]
    const forms = [
      await signed({ ...plain, Extra: nested }), ...Array.from(bytes, (_, at) => bytes.slice(0, at)),
      ...Array.from(bytes, (byte, at) => Uint8Array.from(bytes).fill(byte ^ 0x81, at, at + 1))
    ]

    let refused = 0
    for (const form of forms) await check(form).catch(err => { assert.equal(err.code, 'INVALID_DATA', String(err)); refused++ })
    // a signature of version 1 may be anything
    assert.ok(refused >= forms.length - 64, `${refused} of ${forms.length}`)
  })

  it('may hold a bare CID or nothing, and need no TTL', async () => {
    const { TTL, ...noTtl } = plain
    const bare = decodeIpnsRecord(await signed({ ...plain, Value: CID.parse('QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG').bytes }))
    const empty = decodeIpnsRecord(await signed({ ...noTtl, Value: new Uint8Array(0) }))

    assert.equal(bare.value, '/ipfs/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG')
    assert.deepEqual([empty.value, empty.ttlNs, bare.ttlNs], ['/ipfs/bafkqaaa', undefined, BigInt(TTL)])
  })

  it('count by sequence number, then validity, then bytes', async () => {
    const of = async (Sequence: number | bigint, Validity: string, Value = '/ipfs/bafkqaaa') =>
      decodeIpnsRecord(await signed({ ...plain, Sequence, Validity: text(Validity), Value: text(Value) }))
    const [early, late] = ['2083-12-13T04:10:52.1Z', '2083-12-13T04:10:52.100000001Z']
    const rising = [await of(1, late), await of(2, early), await of(2, late), await of(2n ** 62n, early)]

    for (const [at, record] of rising.entries()) {
      for (const [than, other] of rising.entries()) assert.equal(Math.sign(compareRecords(record, other)), Math.sign(at - than))
    }
    const [a, b] = [await of(2, late, '/ipfs/bafkqaaa/a'), await of(2, late, '/ipfs/bafkqaaa/b')]
    assert.equal(Math.sign(compareRecords(a, b)), Buffer.compare(a.bytes, b.bytes))
  })

  it('have times as Go prints them', () => {
    assert.deepEqual(
      [0, 100, 120, 1234].map(ms => rfc3339(Date.UTC(2026, 10, 28, 20, 0, 0) + ms)),
      ['2026-11-28T20:00:00Z', '2026-11-28T20:00:00.1Z', '2026-11-28T20:00:00.12Z', '2026-11-28T20:00:01.234Z']
    )
  })
})

describe('keys behind /ipns/', () => {
  it('are peer IDs in base58 or CIDs with codec libp2p-key; all else is none', () => {
    const cid = CID.parse('bafzaajaiaejcbzdibmxyzdjbbehgvizh6g5tikvy47mshdy6gwbruvgwvd24seje')

    assert.equal(parseIpnsKey(cid.toString()), '12D3KooWRBy97UB99e3J6hiPesre1MZeuNQvfan4gBziswrRJsNK')
    assert.equal(
      parseIpnsKey('12D3KooWRBy97UB99e3J6hiPesre1MZeuNQvfan4gBziswrRJsNK'), '12D3KooWRBy97UB99e3J6hiPesre1MZeuNQvfan4gBziswrRJsNK'
    )
    for (const name of [
      '', 'example.org', 'bafkqaaa', '1', 'Qm', 'QmXx', '12D3KooW', 'k51', 'k', '12D3KooWRBy97UB99e3J6hiPesre1MZeuNQvfan4gBziswrRJsN',
      '/ipns/x'
    ]) assert.equal(parseIpnsKey(name), undefined, name)
  })
})
