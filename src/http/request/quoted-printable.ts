import { HttpError } from '../error-dialect.ts'

/** As Go's reader, which holds a line in a buffer of this size. */
const longestLine = 4096
const [
  newline, carriageReturn, equals, tab, space, tilde
] = Buffer.from('\n\r=\t ~') as unknown as [number, number, number, number, number, number]

/** Decodes `Content-Transfer-Encoding: quoted-printable` as Go's mime/quotedprintable does, with its leniency and its texts (500). */
export async function * quotedPrintable (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let held: Buffer = Buffer.alloc(0)
  for await (const chunk of source) {
    held = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk])
    const end = held.lastIndexOf(newline) + 1
    if (held.length - end > longestLine) throw new HttpError(500, 'bufio: buffer full')
    if (end > 0) yield decodedLines(held.subarray(0, end))
    held = held.subarray(end)
  }
  if (held.length > 0) yield decodedLine(held)
}

function decodedLines (bytes: Buffer): Buffer {
  const lines: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(newline, at) + 1
    if (end - at > longestLine) throw new HttpError(500, 'bufio: buffer full')
    lines.push(decodedLine(bytes.subarray(at, end)))
    at = end
  }
  return Buffer.concat(lines)
}

/** One line with its break, or what stands behind the last one. Blanks at its end don't count; `=` there joins it with the next one. */
function decodedLine (line: Buffer): Buffer {
  let end = line.length
  while (end > 0 && isBlank(line[end - 1] ?? 0)) end--
  const ending = line.subarray(end).toString('latin1')
  if (line[end - 1] !== equals) return decoded(line.subarray(0, end), /\r?\n$/.exec(ending)?.[0] ?? '')
  const rest = ending.replace(/^[ \t]+/, '')
  const isSoft = /^\r?\n/.test(rest) || (rest === '' && end > 1)
  const text = decoded(line.subarray(0, end - 1), '')
  if (!isSoft) throw new HttpError(500, `quotedprintable: invalid bytes after =: ${JSON.stringify(rest)}`)
  return text
}

const isBlank = (byte: number): boolean => byte === newline || byte === carriageReturn || byte === space || byte === tab

function decoded (text: Buffer, ending: string): Buffer {
  const out = Buffer.alloc(text.length + ending.length)
  let length = 0
  for (let at = 0; at < text.length; at++) {
    const byte = text[at] ?? 0
    if (byte === equals) {
      const value = hexAt(text, at + 1)
      if (value != null) at += 2
      out[length++] = value ?? equals
    } else {
      if (byte !== tab && byte !== carriageReturn && (byte < space || (byte > tilde && byte < 0x80))) {
        throw new HttpError(500, `quotedprintable: invalid unescaped byte 0x${byte.toString(16).padStart(2, '0')} in body`)
      }
      out[length++] = byte
    }
  }
  length += out.write(ending, length, 'latin1')
  return out.subarray(0, length)
}

/** Undefined: the `=` stands for itself. */
function hexAt (text: Buffer, at: number): number | undefined {
  const digits = text.toString('latin1', at, at + 2)
  if (/^[\da-f]{2}$/i.test(digits)) return parseInt(digits, 16)
  if (digits === '') throw new HttpError(500, 'unexpected EOF')
  if (text[at] === carriageReturn) throw new HttpError(500, 'quotedprintable: invalid hex byte 0x0d')
  return undefined
}
