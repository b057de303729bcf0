import { field } from '../fields.ts'
import type { ValuesOf } from '../fields.ts'
import { text } from '../kinds.ts'
import { section } from '../section.ts'

const fields = {
  folder: field(text, 'state', 'Where the state is, absolute or relative to the folder.', { omitDefault: true })
}

/** The values of `datastore.level`. */
export type LevelConfig = ValuesOf<typeof fields>

/** Not of Go's, whose engines have sections of their own (`foreignDatastores`). */
export const levelSection = section({ path: 'datastore.level', doc: 'The state of the peer on the disk (LevelDB).', fields })

/** Go's engines. Such a section loads as `datastore.level` with defaults: what the folder holds can't be read here. */
export const foreignDatastores = ['pebble', 'badger', 'badger3', 'leveldb'] as const
/** The name of such a section. */
export type ForeignDatastore = typeof foreignDatastores[number]
