import type { CID } from 'multiformats/cid'
import { latin1 } from '../base/text/latin1.ts'

/** A key for maps and sets: the bytes as latin1 text, one character each. */
export const mapKey = latin1

/** The key of a block, whatever CID it is asked for by: its hash. */
export const hashKey = ({ multihash }: Pick<CID, 'multihash'>): string => mapKey(multihash.bytes)
