import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../../../../src/base/log.ts'
import { keyFolder } from '../../../../../src/ipfs/helia/names/key-files.ts'
import { SigningKeys } from '../../../../../src/ipfs/helia/names/keys.ts'
import { newIdentity } from '../../../../../src/node/folder/identity.ts'

interface RecordedKey { name: string, key: string, pem: string, id: string, peer: string }

/** Exported by Kubo. */
const recorded: { keys: RecordedKey[] } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../../vectors/ipns/records.json'), 'utf8')
)
const identity = newIdentity()
const libp2p = { format: 'libp2p-protobuf-cleartext' }
const pem = { format: 'pem-pkcs8-cleartext' }
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

const folders: string[] = []
let folder = ''
let keys: SigningKeys
const open = (): SigningKeys => new SigningKeys(identity.privateKey, { files: keyFolder(folder), log: silentLogger })

describe('keys for names', () => {
  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), 'helia-cluster-keys-')), 'ipfs-keys')
    folders.push(join(folder, '..'))
    keys = open()
  })
  after(async () => { for (const one of folders) await rm(one, { recursive: true, force: true }) })

  it('begin with the key of the node alone', async () => {
    assert.deepEqual(await keys.list(), [{ name: 'self', id: identity.id }])
  })

  it('are in files like those of a Kubo, for this user only, and there after a restart', async () => {
    const { id } = await keys.generate('my site/é', { type: 'ed25519' })

    const [file = '', ...others] = await readdir(folder)
    assert.deepEqual([file, others], ['key_nv4sa43jorss7q5j', []])
    assert.deepEqual([(await stat(join(folder, file))).mode & 0o777, (await stat(folder)).mode & 0o777], [0o600, 0o700])
    assert.deepEqual(await open().list(), [{ name: 'self', id: identity.id }, { name: 'my site/é', id }])
    assert.equal((await open().find(id)).name, 'my site/é')
  })

  it('are taken over in both formats of a Kubo', async () => {
    for (const { name, key, pem: text, peer } of recorded.keys) {
      const [one, two] = [
        await keys.import(`${name}-1`, Uint8Array.from(Buffer.from(key, 'base64')), libp2p),
        name === 'secp256k1' ? undefined : await keys.import(`${name}-2`, bytesOf(text), pem)
      ]

      assert.deepEqual([one.id, two?.id ?? peer], [peer, peer])
      const files = await readdir(folder)
      for (const file of files) assert.equal((await readFile(join(folder, file))).toString('base64'), key)
      for (const made of [one, two]) if (made != null) await keys.remove(made.name)
    }
  })

  it('can be copied from the keystore of a Kubo, where nobody may write them', async () => {
    await keys.generate('other', { type: 'ed25519' })
    const [{ key, peer }] = recorded.keys as [RecordedKey]
    await writeFile(join(folder, 'key_nnqxg5a'), Buffer.from(key, 'base64'))
    await chmod(join(folder, 'key_nnqxg5a'), 0o400)
    await writeFile(join(folder, 'key_mrqw2ylhmvsa'), 'not a key')
    await writeFile(join(folder, 'README'), 'not a key either')

    assert.deepEqual((await keys.list()).map(({ name }) => name), ['self', 'kast', 'other'])
    assert.equal((await keys.find('kast')).id, peer)
    assert.deepEqual(await keys.rename('kast', 'other', { force: true }), { name: 'other', id: peer, overwritten: true })
    await keys.remove('other')
  })

  it('of other types are made too, with the sizes that make sense', async () => {
    const [rsa, secp256k1] = [await keys.generate('r', { type: 'rsa' }), await keys.generate('s', { type: 'secp256k1', bits: 256 })]

    assert.match(rsa.id, /^Qm/)
    assert.match(secp256k1.id, /^16Uiu2/)
    const wrong = [
      ['rsa', 1024, 'rsa keys must be >= 2048 bits to be useful'], ['rsa', 2047, 'rsa keys must be >= 2048 bits to be useful'],
      ['rsa', 8193, 'rsa keys must be <= 8192 bits'], ['rsa', 1e6, 'rsa keys must be <= 8192 bits'],
      ['ed25519', 512, 'invalid key size 512: ed25519 keys are always 256 bits'], ['dsa', undefined, 'unrecognized key type: dsa']
    ] as const
    for (const [type, bits, message] of wrong) {
      await assert.rejects(keys.generate('x', { type, bits }), { code: 'INVALID_ARGUMENT', message })
    }
  })

  it('are renamed and removed, never lost by the way', async () => {
    const [a, b] = [await keys.generate('a', { type: 'ed25519' }), await keys.generate('b', { type: 'ed25519' })]

    await assert.rejects(keys.rename('a', 'b'), { code: 'LOCKED', message: 'key by that name already exists, refusing to overwrite' })
    await assert.rejects(keys.generate('a', { type: 'ed25519' }), { code: 'LOCKED', message: "key with name 'a' already exists" })
    assert.deepEqual(await keys.rename('a', 'a'), { ...a, overwritten: false })
    assert.deepEqual(await keys.rename('a', 'c'), { name: 'c', id: a.id, overwritten: false })
    assert.deepEqual(await keys.rename('c', 'b', { force: true }), { name: 'b', id: a.id, overwritten: true })
    assert.deepEqual(await keys.list(), [{ name: 'self', id: identity.id }, { name: 'b', id: a.id }])
    assert.notEqual(b.id, a.id)
    assert.deepEqual(await keys.remove('b'), { name: 'b', id: a.id })
    for (const gone of ['a', 'b', '']) {
      await assert.rejects(keys.remove(gone), { code: 'NOT_FOUND', message: `no key named ${gone} was found` })
    }
    await assert.rejects(keys.rename('a', 'z'), { code: 'NOT_FOUND' })
  })

  it('prove that they are here, to who has the name or an ID that holds the key', async () => {
    const data = bytesOf('data')
    const { id } = await keys.generate('a', { type: 'ed25519' })
    const { key, signature } = await keys.sign('a', data)
    const elsewhere = new SigningKeys(newIdentity().privateKey, { files: keyFolder(`${folder}-other`), log: silentLogger })

    assert.deepEqual([key, await keys.verify('a', signature, data)], [{ name: 'a', id }, { key: { name: 'a', id }, isValid: true }])
    assert.deepEqual(await elsewhere.verify(id, signature, data), { key: { name: '', id }, isValid: true })
    for (const [other, what] of [[signature, bytesOf('date')], [signature.subarray(1), data]] as const) {
      assert.equal((await elsewhere.verify(id, other, what)).isValid, false)
    }
    await assert.rejects(elsewhere.verify('a', signature, data), { code: 'NOT_FOUND' })
    await assert.rejects(elsewhere.sign(id, data), { code: 'NOT_FOUND' })
    await assert.rejects(elsewhere.verify(recorded.keys[1]?.peer ?? '', signature, data), { code: 'INVALID_ARGUMENT' })
  })

  it('verify what a Kubo signed', async () => {
    const signature = Buffer.from('z1JQLC7W_YcT_DWggcL6T3KbGfKSFZNsp5wAHw8ml-7J18piZXivmZz9ZB5l8Q0AqTlBHLFVMp1zUQ5MMzMhBQ', 'base64url')

    const { isValid } = await keys.verify('k51qzi5uqu5dinayrj4pokp5cemqrvno41mutpssm1v6i5u2rafd6ahjqnkyfn', signature, bytesOf('data'))

    assert.equal(isValid, true)
  })

  it('of one name are made once, whoever asks at the same time', async () => {
    const made = await Promise.allSettled(Array.from({ length: 5 }, async () => keys.generate('a', { type: 'ed25519' })))

    assert.equal(made.filter(({ status }) => status === 'fulfilled').length, 1)
  })

  it('named self can not be made, taken over, renamed or removed', async () => {
    await keys.generate('a', { type: 'ed25519' })
    const calls = [
      keys.generate('self', { type: 'ed25519' }), keys.import('self', new Uint8Array(0), libp2p), keys.rename('self', 'x'),
      keys.rename('a', 'self', { force: true }), keys.remove('self')
    ]

    for (const call of await Promise.allSettled(calls)) {
      assert.match(String((call as PromiseRejectedResult).reason), /^ClusterError: cannot .* with name 'self'$/)
    }
  })

  it('that can not be read, or have a name that can not be kept, are refused without being shown', async () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' })
    const x25519 = generateKeyPairSync('x25519').privateKey.export({ format: 'pem', type: 'pkcs8' })
    const sec1 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'sec1' })
    const [{ pem: ed }] = recorded.keys as [RecordedKey]
    const wrong: Array<[string | Buffer, { format: string }, RegExp]> = [
      ['my secret', pem, /^PEM block not found in input data$/],
      ['my secret', libp2p, /^unable to unmarshall format=libp2p-protobuf-cleartext: (?!.*secret)/],
      ['', libp2p, /^unable to unmarshall/],
      [ed, libp2p, /^unexpected PEM block for format=libp2p-protobuf-cleartext: try again with format=pem-pkcs8-cleartext$/],
      [ec, pem, /^key type \*crypto\.ECDSAPrivateKey is not allowed/],
      [x25519, pem, /^converting std Go key to libp2p key: invalid or unsupported key type$/],
      [sec1, pem, /^expected PRIVATE KEY type in PEM block but got: EC PRIVATE KEY$/],
      [ed.replace('MC4C', 'MC4D'), pem, /^parsing PKCS8 format: /],
      [ed, { format: 'jwk' }, /^unrecognized import format: jwk$/]
    ]

    for (const [text, format, message] of wrong) {
      await assert.rejects(keys.import('x', bytesOf(String(text)), format), { code: 'INVALID_ARGUMENT', message })
    }
    await assert.rejects(
      keys.generate('', { type: 'ed25519' }), { code: 'INVALID_ARGUMENT', message: 'key name must be at least one character' }
    )
    await assert.rejects(keys.generate('x'.repeat(200), { type: 'ed25519' }), { code: 'INVALID_ARGUMENT', message: 'key name is too long' })
    assert.deepEqual(await readdir(folder).catch(() => []), [])
  })

  it('on curves of ECDSA are taken only when asked for', async () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' })

    const { id } = await keys.import('ec', bytesOf(String(ec)), { ...pem, anyType: true })

    assert.equal((await open().find('ec')).id, id)
  })
})
