import type { PrivateKey, PublicKey } from '@libp2p/interface'
import { ClusterError } from '../../../base/errors.ts'
import type { Logger } from '../../../base/log.ts'
import { Mutex } from '../../../base/mutex.ts'
import { peerIdBytes } from '../../../model/cid.ts'
import type { PeerId } from '../../../model/cid.ts'
import { parseIpnsKey } from '../../../model/ipns-name.ts'
import type { NameKey, NameKeys } from '../../name-publisher.ts'
import type { KeyFiles } from './key-files.ts'
import { generateKey, keyOfProtobuf, readKey } from './key-formats.ts'

export interface KeysDeps {
  files: KeyFiles
  log: Logger
}

/** A key, ready to sign. */
export interface SigningKey extends NameKey { privateKey: PrivateKey }

/** The keys of this node: its own, and those in files. One change at a time. */
export class SigningKeys implements NameKeys {
  readonly #self: Uint8Array
  readonly #files: KeyFiles
  readonly #log: Logger
  /** Read once: signing keys don't change under their name but by the methods here. */
  readonly #known = new Map<string, SigningKey>()
  readonly #mutex = new Mutex()

  /** `self` is the node's private key, libp2p's protobuf. */
  constructor (self: Uint8Array, { files, log }: KeysDeps) {
    this.#self = self
    this.#files = files
    this.#log = log
  }

  async list (): Promise<NameKey[]> {
    return (await this.all()).map(keyOnly)
  }

  /** Those that can be read; the others are logged. */
  async all (): Promise<SigningKey[]> {
    const keys = [await this.#get('self')]
    for (const name of (await this.#files.names()).toSorted(byBytes)) {
      if (name === 'self') continue
      keys.push(await this.#get(name).catch(err => {
        this.#log.error('a key can not be read', { name, err })
        return undefined
      }))
    }
    return keys.filter(key => key != null)
  }

  /** By name, else by ID. Throws NOT_FOUND. */
  async find (nameOrId: string): Promise<SigningKey> {
    const named = nameOrId === '' ? undefined : await this.#get(nameOrId)
    const id = parseIpnsKey(nameOrId)
    const found = named ?? (id == null ? undefined : (await this.all()).find(key => key.id === id))
    if (found == null) throw noSuchKey(nameOrId)
    return found
  }

  async generate (name: string, { type, bits }: { type: string, bits?: number | undefined }): Promise<NameKey> {
    if (name === 'self') throw notSelf('create key')
    return this.#mutex.run(async () => {
      await this.#mustBeFree(name)
      return this.#store(name, await generateKey(type, bits))
    })
  }

  async import (name: string, bytes: Uint8Array, { format, anyType = false }: { format: string, anyType?: boolean }): Promise<NameKey> {
    if (name === 'self') throw notSelf('import key')
    const key = await readKey(bytes, format)
    if (key.type === 'ECDSA' && !anyType) {
      throw new ClusterError('INVALID_ARGUMENT', { name }, {
        message: 'key type *crypto.ECDSAPrivateKey is not allowed to be imported, only RSA, Ed25519, or Secp256k1; use flag --allow-any-key-type if you are sure of what you\'re doing'
      })
    }
    return this.#mutex.run(async () => {
      await this.#mustBeFree(name)
      return this.#store(name, key)
    })
  }

  async rename (from: string, to: string, { force = false }: { force?: boolean } = {}): Promise<NameKey & { overwritten: boolean }> {
    if (from === 'self') throw notSelf('rename key')
    if (to === 'self') throw notSelf('overwrite key')
    return this.#mutex.run(async () => {
      const key = await this.#mustBeThere(from)
      if (from === to) return { ...keyOnly(key), overwritten: false }
      mustBeSomething(to)
      const overwritten = await this.#files.read(to) != null
      if (overwritten && !force) {
        throw new ClusterError('LOCKED', { name: to }, { message: 'key by that name already exists, refusing to overwrite' })
      }
      await this.#files.rename(from, to)
      this.#known.delete(from)
      this.#known.set(to, { ...key, name: to })
      return { name: to, id: key.id, overwritten }
    })
  }

  async remove (name: string): Promise<NameKey> {
    if (name === 'self') throw notSelf('remove key')
    return this.#mutex.run(async () => {
      const key = await this.#mustBeThere(name)
      await this.#files.remove(name)
      this.#known.delete(name)
      return keyOnly(key)
    })
  }

  async sign (name: string, data: Uint8Array): Promise<{ key: NameKey, signature: Uint8Array }> {
    const key = await this.#get(name)
    if (key == null) throw noSuchKey(name)
    return { key: keyOnly(key), signature: await key.privateKey.sign(provable(data)) }
  }

  async verify (nameOrId: string, signature: Uint8Array, data: Uint8Array): Promise<{ key: NameKey, isValid: boolean }> {
    const own = await this.#get(nameOrId)
    const key = own == null ? { name: '', id: parseIpnsKey(nameOrId) ?? '' } : keyOnly(own)
    const publicKey = own?.privateKey.publicKey ?? await publicKeyIn(key.id, nameOrId)
    let isValid = false
    try { isValid = await publicKey.verify(provable(data), signature) } catch {} // a signature of the wrong length
    return { key, isValid }
  }

  async #get (name: string): Promise<SigningKey | undefined> {
    const known = this.#known.get(name)
    if (known != null) return known
    const bytes = name === 'self' ? this.#self : await this.#files.read(name)
    if (bytes == null) return undefined
    const key = signing(name, await keyOfProtobuf(bytes))
    this.#known.set(name, key)
    return key
  }

  async #mustBeThere (name: string): Promise<SigningKey> {
    const key = name === '' ? undefined : await this.#get(name).catch(() => undefined)
    if (key == null) throw new ClusterError('NOT_FOUND', { name }, { message: `no key named ${name} was found` })
    return key
  }

  async #mustBeFree (name: string): Promise<void> {
    mustBeSomething(name)
    if (await this.#files.read(name) != null) {
      throw new ClusterError('LOCKED', { name }, { message: `key with name '${name}' already exists` })
    }
  }

  async #store (name: string, privateKey: PrivateKey): Promise<NameKey> {
    const { privateKeyToProtobuf } = await import('@libp2p/crypto/keys')
    await this.#files.write(name, privateKeyToProtobuf(privateKey))
    const key = signing(name, privateKey)
    this.#known.set(name, key)
    return keyOnly(key)
  }
}

const provable = (data: Uint8Array): Uint8Array => Buffer.concat([Buffer.from('libp2p-key signed message:'), data])
const noSuchKey = (key: string): ClusterError =>
  new ClusterError('NOT_FOUND', { key: key.slice(0, 200) }, { message: 'no key by the given name was found' })

async function publicKeyIn (id: PeerId, asked: string): Promise<PublicKey> {
  if (id === '') {
    throw new ClusterError(
      'NOT_FOUND', { key: asked.slice(0, 200) },
      { message: `'${JSON.stringify(asked)}' is not a known key, an IPNS Name, or a valid PeerID` }
    )
  }
  const [{ publicKeyFromMultihash }, { decode }] = await Promise.all([import('@libp2p/crypto/keys'), import('multiformats/hashes/digest')])
  const multihash = decode(peerIdBytes(id))
  if (multihash.code !== 0) throw new ClusterError('INVALID_ARGUMENT', { key: id }, { message: 'public key is not embedded in peer ID' })
  return publicKeyFromMultihash(multihash as Parameters<typeof publicKeyFromMultihash>[0])
}

const keyOnly = ({ name, id }: NameKey): NameKey => ({ name, id })
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
function mustBeSomething (name: string): void {
  if (name === '') throw new ClusterError('INVALID_ARGUMENT', {}, { message: 'key name must be at least one character' })
}

const notSelf = (what: string): ClusterError =>
  new ClusterError('INVALID_ARGUMENT', { name: 'self' }, { message: `cannot ${what} with name 'self'` })

function signing (name: string, privateKey: PrivateKey): SigningKey {
  return { name, id: privateKey.publicKey.toString(), privateKey }
}
