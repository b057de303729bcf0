import { withPrefix } from '../../datastore/datastore.ts'
import type { KeyRange } from '../../datastore/datastore.ts'

/**
 * Where the CRDT keeps what, in a datastore of its own. `key`: a pin's CRDT key (`/…`), `id`: a block key (`/CIQ…`); both are ASCII and
 * without further slash.
 *
 * | record | holds |
 * |---|---|
 * | `b<id>` | the bytes of a block that has been merged |
 * | `m<id>` | that block has been merged; small, so that looking is cheap |
 * | `e<key><id>` | a live version of the key, brought by that block: its priority as decimal text |
 * | `t<key><id>` | that version is void, for ever |
 * | `v<key>` | the pin as the CRDT has it and what the journal puts over it (value-record.ts) |
 * | `j<key>` | the visible pin as a line of JSON |
 * | `q<key>` | the key has a change in the journal that waits for a block: the live versions under it, a line of priority and id each; before them the line `if` when it holds for these only |
 * | `h<id>` | a head: its priority as decimal text |
 * | `w<id>` | a block that merged blocks link and that isn't here: the head through which it became known |
 * | `d<prefix>` | pairs in parts of the pinset and their sums (docs/design/pinset-digest.md) |
 * | `!digest` | the digest of the pinset, and the heads that it belongs to |
 * | `!size` | number of visible pins |
 * | `!dirty` | a full check is due |
 * | `!cleaning` | a removal of everything was cut off |
 * | `!damaged` | damage that was repaired and of which users are still to be told, as JSON (rebuild.ts) |
 * | `!layout` | version of this table |
 *
 * One atomic batch per block keeps them in step: heads are exactly the merged blocks that no merged block links, `w` exactly the links
 * of merged blocks that aren't merged.
 */
export const layoutVersion = 1

/** The row of a delta block's bytes, by the block's key. */
export const blockRecord = (id: string): string => `b${id}`
/** The row that says that a block is merged. */
export const mergedRecord = (id: string): string => `m${id}`
/** The row of one version of a key. `id`: the block that brought it, with a slash before. */
export const elementRecord = (key: string, id: string): string => `e${key}${id}`
/** All versions of a key. */
export const elementsOf = (key: string): KeyRange => withPrefix(`e${key}/`)
/** The row that voids one version of a key. */
export const tombstoneRecord = (key: string, id: string): string => `t${key}${id}`
/** All voided versions of a key. */
export const tombstonesOf = (key: string): KeyRange => withPrefix(`t${key}/`)
/** The row of what a key is now. */
export const valueRecord = (key: string): string => `v${key}`
/** Whether a row is that of what a key is now. */
export const isValueRecord = (record: string): boolean => record.startsWith('v/')
/** Whether a row is of a kind that is looked for at every merge, and mostly isn't there: merged blocks, voided versions, values. */
export const isLookedFor = (record: string): boolean => record.startsWith('v/') || record.startsWith('t/') || record.startsWith('m/')
/** The row of a pin's line of JSON. */
export const rowRecord = (key: string): string => `j${key}`
/** The row of a change that waits for its block. */
export const journalRecord = (key: string): string => `q${key}`
/** The row of a head, by its block's key: its priority. */
export const headRecord = (id: string): string => `h${id}`
/** The row of a block that is linked and isn't here, by its key: the key of the head through which it became known. */
export const missingRecord = (id: string): string => `w${id}`

/** The row of 32 cells of the digest, by the beginning of their names: the sums of their pins. */
export const cellsRecord = (row: string): string => `d${row}`

/** The number of visible pins. */
export const sizeRecord = '!size'
/** The digest of the pinset and the heads it belongs to. */
export const digestRecord = '!digest'
/** Present: a full check is due. */
export const dirtyRecord = '!dirty'
/** Damage that was repaired and that users must still hear of. */
export const damagedRecord = '!damaged'
/** Present: a removal of everything was cut off. */
export const cleaningRecord = '!cleaning'
/** The `layoutVersion` of whoever wrote the rest. */
export const layoutRecord = '!layout'

/** Every `blockRecord`. */
export const allBlocks = withPrefix('b/')
/** Every `mergedRecord`. */
export const allMerged = withPrefix('m/')
/** Every `valueRecord`. */
export const allValues = withPrefix('v/')
/** Every `rowRecord`: the pinset as it is listed, in the order of the keys. */
export const allRows = withPrefix('j/')
/** What `isLookedFor` is true of. */
export const lookedForRanges: readonly KeyRange[] = ['m/', 't/', 'v/'].map(withPrefix)
/** Every `headRecord`. */
export const allHeads = withPrefix('h/')
/** Every `missingRecord`. */
export const allMissing = withPrefix('w/')
/** Every `journalRecord`. */
export const allJournal = withPrefix('q/')
/** Every `cellRecord`. */
export const allCells = withPrefix('d/')
/** Everything that `clean` removes; markers come last, so that a cut-off run is noticed. */
export const allData: readonly KeyRange[] = ['b/', 'm/', 'e/', 't/', 'v/', 'j/', 'q/', 'h/', 'w/', 'd/'].map(withPrefix)

/** The text behind the record's letter (and the key, for elements). */
export const idOf = (record: string): string => record.slice(record.lastIndexOf('/'))
/** The key that a row is about: what stands behind the letter of its kind. */
export const pinKeyOf = (record: string): string => record.slice(1)

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A number as rows hold it: decimal digits. */
export const numberBytes = (value: number): Uint8Array => encoder.encode(String(value))
/** The number of a row that `numberBytes` made. */
export const numberOf = (bytes: Uint8Array): number => Number(decoder.decode(bytes))
/** A text as rows hold it: UTF-8. */
export const textBytes = (value: string): Uint8Array => encoder.encode(value)
/** The text of a row that `textBytes` made. */
export const textOf = (bytes: Uint8Array): string => decoder.decode(bytes)

/** A live version of a key: the id of the block that brought it, and that one's height. */
export interface LiveVersion { id: string, priority: number }

const condition = 'if'

/** What the row of a change in the journal holds. `isConditional`: the change was made for these versions, and for no other ones. */
export const journalBytes = (under: readonly LiveVersion[], isConditional: boolean): Uint8Array =>
  textBytes([...isConditional ? [condition] : [], ...under.map(({ id, priority }) => `${priority}${id}`)].join('\n'))
/** The versions in a row that `journalBytes` made; none in one of an older program. */
export const versionsUnder = (bytes: Uint8Array): LiveVersion[] =>
  textOf(bytes).split('\n').filter(line => line !== '' && line !== condition)
    .map(line => ({ id: idOf(line), priority: parseInt(line, 10) }))
/** Whether the change in a row that `journalBytes` made is a conditional one. */
export const isConditionalChange = (bytes: Uint8Array): boolean => textOf(bytes).split('\n', 1)[0] === condition
