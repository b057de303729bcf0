/** A file of a user: content that follows from its number, so that nobody has to keep it. */
export interface UserFile { number: number, sizeBytes: number }

/** Each chunk that an importer may make of it is marked: no two files share a block. */
const markEveryBytes = 131_072
const ground = Buffer.alloc(markEveryBytes, 'content that nobody needs to keep, because it follows from a number. ')

export function contentOf ({ number, sizeBytes }: UserFile, user: number): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes)
  for (let at = 0; at < sizeBytes; at += markEveryBytes) {
    ground.copy(bytes, at, 0, Math.min(markEveryBytes, sizeBytes - at))
    bytes.write(`${user} ${number} ${at}\n`, at)
  }
  return bytes
}

const boundary = 'soak-f3a91c7e55d04b'

/** A form with one file. */
export function fileForm (name: string, content: Uint8Array): { type: string, bytes: Uint8Array } {
  const disposition = `Content-Disposition: form-data; name="file"; filename="${name}"`
  const head = `--${boundary}\r\n${disposition}\r\nContent-Type: application/octet-stream\r\n\r\n`
  const bytes = Buffer.concat([Buffer.from(head), content, Buffer.from(`\r\n--${boundary}--\r\n`)])
  return { type: `multipart/form-data; boundary=${boundary}`, bytes }
}
