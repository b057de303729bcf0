import type { Datastore as LibraryDatastore, Key } from 'interface-datastore'
import { ClusterError } from '../../../base/errors.ts'
import type { Logger } from '../../../base/log.ts'
import type { PeerId } from '../../../model/cid.ts'
import { peerOfRoutingKey } from '../../../model/ipns-name.ts'
import { compareRecords, decodeIpnsRecord } from '../../../wire/ipns-record.ts'
import { ProtobufReader, wireTypes } from '../../../wire/protobuf.ts'
import { verifiedRecord } from './verified-record.ts'

/** How kad-dht checks what it is asked to keep and what it finds. */
export async function validateDhtRecord (key: Uint8Array, value: Uint8Array, now: number): Promise<void> {
  const peer = peerOfRoutingKey(key)
  if (peer == null) throw new ClusterError('INVALID_DATA', {}, { message: 'name is invalid' })
  await verifiedRecord(value, { key: peer, now })
}

/** The place of the best of several records; what can't be read counts least. */
export function selectDhtRecord (values: readonly Uint8Array[]): number {
  const read = values.map(value => {
    try { return decodeIpnsRecord(value) } catch { return undefined }
  })
  return read.reduce((best, record, at) => record != null && (read[best] == null || compareRecords(record, read[best]) > 0) ? at : best, 0)
}

export interface DhtRecordsInit {
  /** Records that are kept for others; the one that came first goes. */
  maxRecords: number
  maxBytes: number
}

const recordPrefix = '/dht/record/'

/**
 * libp2p's store, whose part for records of the DHT has an end: anybody may give a server of the DHT as many as he can sign. An older
 * record of a name doesn't take the place of a newer one; kad-dht doesn't look.
 */
export function limitDhtRecords<Store extends LibraryDatastore> (store: Store, init: DhtRecordsInit, { log }: { log: Logger }): Store {
  const sizes = new Map<string, number>()
  let bytes = 0
  const forget = (name: string): void => {
    bytes -= sizes.get(name) ?? 0
    sizes.delete(name)
  }
  const put = store.put.bind(store)
  const remove = store.delete.bind(store)
  store.put = async (key: Key, value: Uint8Array, options) => {
    const name = key.toString()
    if (!name.startsWith(recordPrefix)) return put(key, value, options)
    const before = sizes.has(name) ? await store.get(key, options) : undefined
    if (before != null && isOlder(value, before)) {
      log.debug('an older record of a name is not kept', { key: name })
      return key
    }
    forget(name)
    sizes.set(name, value.length)
    bytes += value.length
    for (const oldest of sizes.keys()) {
      if (sizes.size <= init.maxRecords && bytes <= init.maxBytes) break
      forget(oldest)
      await remove(keyLike(key, oldest), options)
    }
    return put(key, value, options)
  }
  store.delete = async (key: Key, options) => {
    forget(key.toString())
    return remove(key, options)
  }
  return store
}

/** A key of the library's class without loading its module. */
const keyLike = (key: Key, text: string): Key => new (key.constructor as new (text: string, clean: boolean) => Key)(text, false)

/** Both are libp2p's records: field 1 is the key, field 2 the value. */
function isOlder (record: Uint8Array, than: Uint8Array): boolean {
  try {
    const [a, b] = [nameAndValue(record), nameAndValue(than)]
    return a.name != null && a.name === b.name && compareRecords(decodeIpnsRecord(a.value), decodeIpnsRecord(b.value)) < 0
  } catch {
    return false // another kind of record
  }
}

function nameAndValue (bytes: Uint8Array): { name: PeerId | undefined, value: Uint8Array } {
  const reader = new ProtobufReader(bytes)
  let [key, value] = [new Uint8Array(0), new Uint8Array(0)]
  while (reader.next()) {
    if (reader.is(1, wireTypes.bytes)) key = Uint8Array.from(reader.bytes())
    else if (reader.is(2, wireTypes.bytes)) value = Uint8Array.from(reader.bytes())
    else reader.skip()
  }
  return { name: peerOfRoutingKey(key), value }
}
