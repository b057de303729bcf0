/** What is told apart by its number in the table of multicodec: the codec of a CID, the function of a multihash. */
export const rawCodec = 0x55
export const dagPbCodec = 0x70
export const dagCborCodec = 0x71
export const libp2pKeyCodec = 0x72
export const dagJsonCodec = 0x0129

/** Not a hash: the content itself. */
export const identityHash = 0x00
export const sha256Hash = 0x12
