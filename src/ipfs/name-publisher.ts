import type { PeerId } from '../model/cid.ts'
import type { IpfsOptions } from './ipfs.ts'
import type { NameResolver } from './names.ts'

/** A key that names are published with. The one called `self` is the node's own and always there. */
export interface NameKey {
  name: string
  /** What the name under `/ipns/` is made of: `ipnsKeyText(id)`. */
  id: PeerId
}

/**
 * The keys that this node publishes names with, kept across restarts. Names of keys are texts of any characters.
 *
 * Errors have the words of Kubo: INVALID_ARGUMENT for what can't be (the name `self`, a type or size that isn't known, a key that can't be
 * read), NOT_FOUND for a key that isn't there, LOCKED for a name that is taken.
 */
export interface NameKeys {
  /** `self`, then the others in order of their names. */
  list (): Promise<NameKey[]>
  /** `type`: ed25519, rsa or secp256k1. `bits` counts for RSA: 2048 at least, which is the default. */
  generate (name: string, options: { type: string, bits?: number | undefined }): Promise<NameKey>
  /** Other types than the three need `anyType`. */
  import (name: string, bytes: Uint8Array, options: { format: string, anyType?: boolean }): Promise<NameKey>
  /** `overwritten`: there was a key of the new name, and it is gone. */
  rename (from: string, to: string, options?: { force?: boolean }): Promise<NameKey & { overwritten: boolean }>
  /** What was published with the key stays valid until its time. */
  remove (name: string): Promise<NameKey>
  /** Proves that the key is here: signs words of libp2p's and the data behind them, so that nothing else can be signed this way. */
  sign (name: string, data: Uint8Array): Promise<{ key: NameKey, signature: Uint8Array }>
  /** By the name of a key here, or by any ID that holds its public key; the key's name is "" then. */
  verify (nameOrId: string, signature: Uint8Array, data: Uint8Array): Promise<{ key: NameKey, isValid: boolean }>
}

export interface PublishOptions extends IpfsOptions {
  /** Name or ID of the key. */
  key: string
  /** How long the record is valid. Default: as configured. Milliseconds. */
  lifetimeMs?: number
  /** How long others may keep it before they ask again. Default 5 minutes, at most the lifetime. Milliseconds. */
  ttlMs?: number
  /** In place of the next number. Must be larger than that of the record before. */
  sequence?: bigint
  /** With a copy for readers of before 2021. Default true. */
  withV1?: boolean
  /** Without routing: fine, the name is for this node's own use. */
  allowOffline?: boolean
}

/**
 * Publishes names: signs a record, keeps it on the disk and gives it to the routing, again and again for as long as the key is here.
 *
 * Errors: NOT_FOUND for an unknown key, INVALID_ARGUMENT for a sequence number that is too low, UNSUPPORTED without routing when that isn't
 * allowed, IPFS_ERROR when the routing didn't take it (the record is kept, and comes with the next round), INVALID_DATA for a record that
 * isn't to be trusted.
 */
export interface NamePublisher {
  readonly keys: NameKeys
  /** `value` is a path that begins with `/ipfs/` or `/ipns/`. Resolves to the key when the disk has the record and the routing took it. */
  publish (value: string, options: PublishOptions): Promise<NameKey>
  /** Keeps a record that somebody signed, and gives it to the routing. One that is older than what is here changes nothing. */
  putRecord (key: PeerId, record: Uint8Array, options?: IpfsOptions & { allowOffline?: boolean }): Promise<void>
}

/** Whether names can be published here, too. An external Kubo does so by its own API. */
export const canPublish = (names: NameResolver): names is NameResolver & NamePublisher => 'publish' in names
