import { ClusterError } from '../../../base/errors.ts'
import type { Worker } from '../../../base/worker.ts'
import { parseCid } from '../../../model/cid.ts'
import type { PeerId } from '../../../model/cid.ts'
import { ipnsCid, parseIpnsKey } from '../../../model/ipns-name.ts'
import { libp2pKeyCodec } from '../../../model/multicodec.ts'
import type { IpfsOptions } from '../../ipfs.ts'
import type { NameKey, NameKeys, NamePublisher, PublishOptions } from '../../name-publisher.ts'
import type { NameOptions, NameRecord, NameResolver, NameTarget } from '../../names.ts'
import type { Datastore } from '../../../datastore/datastore.ts'
import type { Clock } from '../../../base/clock.ts'
import type { Logger } from '../../../base/log.ts'
import { DnsLink } from './dnslink.ts'
import type { DnsLinkInit } from './dnslink.ts'
import { Ipns } from './ipns.ts'
import type { IpnsInit } from './ipns.ts'
import type { KeyFiles } from './key-files.ts'
import { SigningKeys } from './keys.ts'
import { Publisher } from './publisher.ts'
import type { PublisherInit } from './publisher.ts'
import { RecordTable } from './record-table.ts'
import type { NameRouting } from './routing.ts'
import type { TxtLookup } from './txt-lookup.ts'

export interface NamesInit extends Omit<IpnsInit, 'cache'>, PublisherInit {
  /** Answers that are kept, of each kind, and for how long at most. */
  cache: IpnsInit['cache']
  dnslink: Omit<DnsLinkInit, 'cache'>
  /** Names whose target is fixed; nobody is asked for them (IPFS_NS_MAP). */
  fixed: ReadonlyMap<string, string>
}

export interface NamesDeps {
  /** The node's own key: libp2p's protobuf. */
  self: Uint8Array
  keyFiles: KeyFiles
  /** Started before, stopped after. */
  datastore: Pick<Datastore, 'get' | 'write' | 'entries'>
  routing: NameRouting
  /** Undefined: domains aren't looked up. */
  txt: TxtLookup | undefined
  clock: Clock
  log: Logger
}

/** The names of the embedded node: IPNS by keys, DNSLink by domains. */
export class Names implements NameResolver, NamePublisher {
  readonly keys: NameKeys
  readonly #fixed: ReadonlyMap<string, string>
  readonly #ipns: Ipns
  readonly #dnslink: DnsLink
  readonly #publisher: Publisher

  constructor (init: NamesInit, deps: NamesDeps) {
    const { routing, clock, log } = deps
    const keys = new SigningKeys(deps.self, { files: deps.keyFiles, log })
    const records = new RecordTable(deps.datastore)
    this.keys = keys
    this.#fixed = init.fixed
    this.#ipns = new Ipns(init, { records, routing, clock, log })
    this.#dnslink = new DnsLink({ ...init.dnslink, cache: init.cache }, { txt: deps.txt, clock })
    this.#publisher = new Publisher(init, { keys, records, ipns: this.#ipns, routing, clock, log })
  }

  async resolveName (name: string, options: NameOptions = {}): Promise<NameTarget> {
    const value = this.#fixed.get(name)
    if (value != null) return { value, ttlSeconds: undefined }
    const key = parseIpnsKey(name)
    if (key != null) return this.#ipns.resolve(key, options)
    if (!isDomainName(name)) throw noName(name)
    return this.#dnslink.resolve(name, options)
  }

  async recordOf (key: string, options: NameOptions = {}): Promise<NameRecord> {
    const peer = parseIpnsKey(key)
    if (peer == null) throw noName(key)
    return this.#ipns.recordOf(peer, options)
  }

  async publish (value: string, options: PublishOptions): Promise<NameKey> { return this.#publisher.publish(value, options) }

  async putRecord (key: PeerId, record: Uint8Array, options: IpfsOptions & { allowOffline?: boolean } = {}): Promise<void> {
    await this.#publisher.putRecord(key, record, options)
  }

  /** Publishes again what was published here. */
  republishing (): Worker { return this.#publisher.worker() }
}

/** What Kubo's resolver looks up as a domain: labels of at most 63 bytes, 253 in all. */
function isDomainName (name: string): boolean {
  const labels = name.replace(/\.$/, '').split('.')
  return Buffer.byteLength(name) <= 254 && labels.every(label => label !== '' && Buffer.byteLength(label) <= 63)
}

function noName (name: string): ClusterError {
  const facts = { name: name.slice(0, 200) }
  const message = otherCodec(name) ?? `cannot resolve: ${JSON.stringify(`/ipns/${name}`)}`
  return new ClusterError('INVALID_ARGUMENT', facts, { message })
}

/** A CID of something else: perhaps a key whose codec was lost on the way. */
function otherCodec (name: string): string | undefined {
  try {
    const cid = parseCid(name)
    if (cid.version !== 1 || cid.code === libp2pKeyCodec) return undefined
    return `peer ID represented as CIDv1 require libp2p-key multicodec: retry with /ipns/${ipnsCid(cid.multihash)}`
  } catch {
    return undefined
  }
}
