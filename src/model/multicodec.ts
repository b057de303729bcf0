// numbers of the table of multicodec: the codec of a CID, the function of a multihash

/** Bytes that are nothing else: leaves of files. */
export const rawCodec = 0x55
/** Nodes of UnixFS, and the blocks of the pinset. */
export const dagPbCodec = 0x70
/** Nodes of sharded DAGs. */
export const dagCborCodec = 0x71
/** What a peer ID is as a CID: a public key or its hash. */
export const libp2pKeyCodec = 0x72
/** JSON with links. */
export const dagJsonCodec = 0x0129

/** Not a hash: the digest is the content itself. */
export const identityHash = 0x00
/** The usual hash of blocks. */
export const sha256Hash = 0x12
