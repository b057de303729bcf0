import type { Datastore } from '../../../datastore/datastore.ts'
import { withPrefix } from '../../../datastore/datastore.ts'
import type { PeerId } from '../../../model/cid.ts'

const prefix = '/ipns/'

/**
 * The newest record of each key that was published here, or given to this node to keep: `/ipns/<peer ID>` → the record as it goes over the
 * network.
 */
export class RecordTable {
  readonly #datastore: Pick<Datastore, 'get' | 'write' | 'entries'>

  constructor (datastore: Pick<Datastore, 'get' | 'write' | 'entries'>) { this.#datastore = datastore }

  get (key: PeerId): Uint8Array | undefined { return this.#datastore.get(`${prefix}${key}`) }

  /** Resolves when the disk has it: a lost sequence number would be given twice. */
  async put (key: PeerId, record: Uint8Array): Promise<void> {
    await this.#datastore.write([{ key: `${prefix}${key}`, value: record }], { sync: true })
  }

  async remove (keys: readonly PeerId[]): Promise<void> {
    await this.#datastore.write(keys.map(key => ({ key: `${prefix}${key}`, value: undefined })))
  }

  async * list ({ signal }: { signal: AbortSignal }): AsyncGenerator<Array<{ key: PeerId, record: Uint8Array }>> {
    for await (const rows of this.#datastore.entries(withPrefix(prefix), { signal })) {
      yield rows.map(([key, record]) => ({ key: key.slice(prefix.length), record }))
    }
  }
}
