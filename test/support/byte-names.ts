/** Numbers that are the same everywhere: the CIDs in the tests were made of these names by Go and Kubo. */
function numbers (seed: number): () => number {
  let state = seed
  return () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648
}

/**
 * What is told apart only byte by byte: a byte order mark, the character for unknown ones, surrogates, and bytes that belong to nothing.
 */
const special = [
  [0xf1], [0xf2], [0xef, 0xbb, 0xbf, 0x78], [0x78], [0xef, 0xbf, 0xbd], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf0, 0x9f, 0x98, 0x80],
  [0xf0, 0x9f, 0x98],
  [0xc3, 0xa4, 0x20, 0x62, 0x2b, 0x63, 0x25, 0x64], [0xf5, 0x80, 0x80, 0x80], [0xed, 0xb2, 0x80]
].map(bytes => Buffer.from(bytes))

/** 200 names of up to eight bytes, more than half of which are no UTF-8. */
export function byteNames (): Buffer[] {
  const next = numbers(42)
  const names = new Map(special.map(name => [name.toString('latin1'), name]))
  while (names.size < 200) {
    const length = 1 + Math.floor(next() * 8)
    const name = Buffer.from(
      Array.from({ length }, () => { const kind = next(); return kind < 0.4 ? 97 + Math.floor(next() * 26) : Math.floor(next() * 256) })
    )
    const text = name.toString('latin1')
    if (!/[\0/]|^\.\.?$/.test(text)) names.set(text, name)
  }
  return [...names.values()]
}

/** The same and 6000 more: a sharded directory. */
export function manyByteNames (): Buffer[] {
  const names = byteNames()
  const more = Array.from(
    { length: 6000 }, (_, at) => Buffer.concat([names[at % 200] as Buffer, Buffer.from(`-${at}`), names[at * 7 % 200] as Buffer])
  )
  return [...names, ...more]
}

/** Every byte as %XX. */
export const escapedBytes = (bytes: Uint8Array): string =>
  Array.from(bytes, byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')

/** A multipart body with these filenames, byte for byte as they are. */
export function formOf (parts: ReadonlyArray<{ filename: Uint8Array | string, content: Uint8Array | string, type?: string }>): Buffer {
  const pieces = parts.flatMap(({ filename, content, type = 'application/octet-stream' }) => [
    Buffer.from('--Xb\r\nContent-Disposition: form-data; name="file"; filename="'), Buffer.from(filename as string),
    Buffer.from(`"\r\nContent-Type: ${type}\r\n\r\n`),
    Buffer.from(content as string), Buffer.from('\r\n')
  ])
  return Buffer.concat([...pieces, Buffer.from('--Xb--\r\n')])
}
