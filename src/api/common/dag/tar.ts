import { byteLengthOfText, bytesOfText } from '../../../base/text/byte-text.ts'

/** Since 1970, as UnixFS has it; may be negative. */
export interface TarTime { seconds: number, nanoseconds: number }

/** What a tar header tells. Bytes in names that aren't UTF-8 stand as in `byte-text.ts`. */
export interface TarEntry {
  name: string, type: 'file' | 'directory' | 'symlink', sizeBytes: number, mode: number, mtime: TarTime, target?: string
}

const block = 512
const kinds = { file: '0', directory: '5', symlink: '2' } as const
/** What fits into the header's fields; longer names and larger sizes go into a PAX header. */
const longestName = 100
const largestSize = 8 ** 11 - 1

/** The header of an entry, with a PAX header before it when it needs one. */
export function tarHeader (entry: TarEntry): Uint8Array {
  const pax: Array<[string, string]> = []
  if (byteLengthOfText(entry.name) > longestName || !isAscii(entry.name)) pax.push(['path', entry.name])
  if (entry.target != null && (byteLengthOfText(entry.target) > longestName || !isAscii(entry.target))) pax.push(['linkpath', entry.target])
  if (entry.sizeBytes > largestSize) pax.push(['size', String(entry.sizeBytes)])
  if (entry.mtime.nanoseconds !== 0 || entry.mtime.seconds < 0) pax.push(['mtime', decimalTime(entry.mtime)])
  if (pax.length === 0) return ustar(entry, kinds[entry.type])
  const records = bytesOfText(pax.map(record).join(''))
  const head = ustar(
    { name: paxName(entry.name), type: 'file', sizeBytes: records.length, mode: 0o644, mtime: { seconds: 0, nanoseconds: 0 } }, 'x'
  )
  return Buffer.concat([head, records, tarPadding(records.length), ustar(entry, kinds[entry.type])])
}

/** The zeros that follow `sizeBytes` of content up to the next multiple of 512 bytes. */
export const tarPadding = (sizeBytes: number): Uint8Array => new Uint8Array((block - sizeBytes % block) % block)

/** What an archive ends with: two blocks of zeros. */
export const tarEnd: Uint8Array = new Uint8Array(2 * block)

// eslint-disable-next-line no-control-regex
const isAscii = (text: string): boolean => /^[\x00-\x7f]*$/.test(text)

function ustar ({ name, sizeBytes, mode, mtime, target = '' }: TarEntry, kind: string): Buffer {
  const header = Buffer.alloc(block)
  const octal = (value: number, at: number, length: number): void => {
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1')
  }
  cut(name).copy(header, 0)
  octal(mode, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(Math.min(sizeBytes, largestSize), 124, 12)
  octal(Math.min(Math.max(0, mtime.seconds), largestSize), 136, 12)
  header.write('        ', 148, 'latin1')
  header.write(kind, 156, 'latin1')
  cut(target).copy(header, 157)
  header.write('ustar\x0000', 257, 'latin1')
  header.write(`${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}

/** As Go's archive/tar does: what isn't ASCII is left out, the PAX header has it. */
const cut = (text: string): Buffer => Buffer.from(asciiOf(text)).subarray(0, longestName)

// eslint-disable-next-line no-control-regex
const asciiOf = (text: string): string => text.replace(/[^\x00-\x7f]/g, '')

function paxName (name: string): string {
  const at = name.lastIndexOf('/') + 1
  return asciiOf(`${name.slice(0, at)}PaxHeaders.0/${name.slice(at)}`).slice(0, longestName).replace(/\/+$/, '')
}

/** Seconds with a fraction; nanoseconds count forward, before 1970 too. */
function decimalTime ({ seconds, nanoseconds }: TarTime): string {
  const isBack = seconds < 0 && nanoseconds !== 0
  const [whole, part] = isBack ? [seconds + 1, 1_000_000_000 - nanoseconds] : [seconds, nanoseconds]
  const fraction = part === 0 ? '' : `.${String(part).padStart(9, '0')}`.replace(/0+$/, '')
  return `${isBack && whole === 0 ? '-' : ''}${whole}${fraction}`
}

/** "<length> key=value\n", where the length counts its own digits. */
function record ([key, value]: [string, string]): string {
  const rest = byteLengthOfText(` ${key}=${value}\n`)
  let length = rest + 1
  while (String(length).length + rest !== length) length++
  return `${length} ${key}=${value}\n`
}
