import { textOfBytes } from '../../../base/text/byte-text.ts'
import type { CID } from 'multiformats/cid'
import type { LinkLimit, LinkPosition } from './link-position.ts'
import { ProtobufScanner } from './protobuf-scanner.ts'
import { readCid } from './read-cid.ts'

/*
 * PBNode { repeated PBLink Links = 2; optional bytes Data = 1 }, PBLink { bytes Hash = 1; string Name = 2; uint64 Tsize = 3 }.
 * Read by hand: only the hashes are wanted (names by few), and walks read many blocks.
 */

const nodeLinks = (2 << 3) | 2
const linkHash = (1 << 3) | 2
const linkName = (2 << 3) | 2

/**
 * The next links of a dag-pb block; the position moves on. `names` gets their names. Throws when it isn't protobuf or a link has no CID.
 */
export function dagPbLinks (bytes: Uint8Array, position: LinkPosition, limit: LinkLimit, names?: string[]): CID[] {
  const links: CID[] = []
  const scanner = new ProtobufScanner(bytes, position.at)
  for (let steps = 0; scanner.at < bytes.length && links.length < limit.links && steps < limit.steps; steps++) {
    const tag = scanner.varint(bytes.length)
    if (tag === nodeLinks) links.push(linkCid(scanner, names))
    else scanner.skip(tag, bytes.length)
  }
  position.at = scanner.at
  position.left = scanner.at < bytes.length ? 1 : 0
  return links
}

function linkCid (scanner: ProtobufScanner, names?: string[]): CID {
  let hash: Uint8Array | undefined
  let name = ''
  const end = scanner.end(scanner.bytes.length)
  while (scanner.at < end) {
    const tag = scanner.varint(end)
    if (tag === linkHash) hash = scanner.part(end)
    else if (tag === linkName && names != null) name = textOfBytes(scanner.part(end))
    else scanner.skip(tag, end)
  }
  if (hash == null) throw new Error('a link without a hash')
  names?.push(name)
  return readCid(hash)
}
