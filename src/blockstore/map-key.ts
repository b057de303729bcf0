/** A key for maps and sets: the bytes as latin1 text, one character each. */
export const mapKey = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')

/** The bytes of a key that `toMapKey` made. */
export const fromMapKey = (key: string): Uint8Array => new Uint8Array(Buffer.from(key, 'latin1'))
