import type { CID } from 'multiformats/cid'

/** A key for maps and sets: the bytes as latin1 text, one character each. */
export const mapKey = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')

/** The key of a block, whatever CID it is asked for by: its hash. */
export const hashKey = ({ multihash }: Pick<CID, 'multihash'>): string => mapKey(multihash.bytes)
