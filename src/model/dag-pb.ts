import { decode, encode, validate } from '@ipld/dag-pb'
import type { PBLink, PBNode } from '@ipld/dag-pb'
import { lengthDelimited, varintBytes } from '../base/varint.ts'
import { bytesOfText, compareBytes, textOfBytes } from '../base/text/byte-text.ts'

/** The value of a dag-pb block, with names as in `byte-text.ts`. Throws what the decoder throws. */
export function decodeDagPb (bytes: Uint8Array): PBNode {
  const node = decode(bytes)
  if (!node.Links.some(({ Name }) => Name != null && Name !== '')) return node
  const names = namesIn(bytes)
  return { ...node, Links: node.Links.map((link, at) => link.Name == null ? link : { ...link, Name: names[at] ?? '' }) }
}

/** A dag-pb block of a value; links are sorted by their names' bytes, as Kubo does. Throws what the encoder throws. */
export function encodeDagPb (value: unknown): Uint8Array {
  const node = sorted(value as PBNode)
  if (!Array.isArray(node?.Links) || node.Links.every(({ Name }) => typeof Name !== 'string' || Name.isWellFormed())) return encode(node)
  // the encoder would turn names into others
  validate({ ...node, Links: node.Links.map(link => ({ ...link, Name: '' })) })
  const parts = node.Links.map(link => lengthDelimited(0x12, linkBytes(link)))
  return Buffer.concat(node.Data == null ? parts : [...parts, lengthDelimited(0x0a, node.Data)])
}

function sorted (node: PBNode): PBNode {
  if (!Array.isArray(node?.Links)) return node
  return { ...node, Links: node.Links.toSorted((a, b) => compareBytes(String(a?.Name ?? ''), String(b?.Name ?? ''))) }
}

function linkBytes ({ Hash, Name, Tsize }: PBLink): Uint8Array {
  const name = Name == null ? [] : [lengthDelimited(0x12, bytesOfText(Name))]
  return Buffer.concat([lengthDelimited(0x0a, Hash.bytes), ...name, ...Tsize == null ? [] : [Buffer.from([0x18, ...varintBytes(Tsize)])]])
}

/** The names of the links of a block that was decoded already. */
function namesIn (bytes: Uint8Array): string[] {
  const names: string[] = []
  eachPart(bytes, (tag, part) => {
    if (tag !== 0x12) return
    let name = ''
    eachPart(part, (inner, value) => { if (inner === 0x12) name = textOfBytes(value) })
    names.push(name)
  })
  return names
}

/** Numbers are passed over. */
function eachPart (bytes: Uint8Array, visit: (tag: number, part: Uint8Array) => void): void {
  let at = 0
  const number = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++] ?? 0
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const tag = number()
    const value = number()
    if ((tag & 7) !== 2) continue
    visit(tag, bytes.subarray(at, at + value))
    at += value
  }
}
