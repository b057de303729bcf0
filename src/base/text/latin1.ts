/** Bytes as text, one character each: what maps and sets take for a key of bytes. */
export const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
