import { readIfThere, replaceFile } from '../../base/files.ts'
import { isMultiaddr, peerOfMultiaddr } from '../../config/multiaddr-text.ts'

/** What Go's file `peerstore` holds. */
export interface PeerstoreContent {
  /** Full addresses with /p2p at the end, in the order of the file. */
  addresses: string[]
  /** Lines that look like an address and aren't one. */
  badLines: string[]
}

const isGood = (line: string): boolean => isMultiaddr(line) && peerOfMultiaddr(line) != null

/** Splits the text of a peerstore file. Lines that don't begin with "/" are comments. */
export function parsePeerstore (text: string): PeerstoreContent {
  const lines = text.split('\n').map(line => line.trim()).filter(line => line.startsWith('/'))
  return { addresses: lines.filter(isGood), badLines: lines.filter(line => !isGood(line)) }
}

/** Reads a peerstore file; one that isn't there is empty. */
export async function readPeerstore (path: string): Promise<PeerstoreContent> {
  return parsePeerstore(await readIfThere(path) ?? '')
}

/** Writes a peerstore file, one address a line; a crash leaves the old file or the new one. */
export async function writePeerstore (path: string, addresses: readonly string[]): Promise<void> {
  await replaceFile(path, addresses.map(address => `${address}\n`).join(''), 0o644)
}
