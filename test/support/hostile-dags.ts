import { hash } from 'node:crypto'
import * as dagCbor from '@ipld/dag-cbor'
import type { CID } from 'multiformats/cid'
import type { Block } from '../../src/blockstore/blockstore.ts'
import { blockOf } from './blocks.ts'
import { cborOf } from './dags.ts'

/** The CID of a dag-cbor block that nobody has. */
const absentCid = (level: number, number: number): CID => blockOf(hash('sha256', `absent ${level} ${number}`, 'buffer'), 0x71).cid

/**
 * A chain of dag-cbor blocks, from its end to its root: each links to the next one first and then to `links - 1` blocks that don't exist.
 * Who walks it goes down at once, and all links of the levels above wait.
 */
export function * absentChain ({ levels, links }: { levels: number, links: number }): Generator<Block> {
  let below: CID[] = []
  for (let level = 0; level < levels; level++) {
    const block = cborOf([...below, ...Array.from({ length: links - 1 }, (_, n) => absentCid(level, n))], String(level))
    yield block
    below = [block.cid]
  }
}

/**
 * A chain of small blocks, from its end to its root; each links to the next one and then `tails` leaves of its own, which are given, too.
 */
export function * deepChain ({ levels, tails }: { levels: number, tails: number }): Generator<Block> {
  let below: CID[] = []
  for (let level = 0; level < levels; level++) {
    const leaves = Array.from({ length: tails }, (_, n) => blockOf(Buffer.from(`leaf ${level} ${n}`)))
    yield * leaves
    const block = cborOf([...below, ...leaves.map(({ cid }) => cid)], '')
    yield block
    below = [block.cid]
  }
}

/** A CAR of these blocks, with this root, piece by piece. */
export function * carOf (root: CID, blocks: Iterable<Block>): Generator<Uint8Array> {
  yield section(dagCbor.encode({ version: 1, roots: [root] }))
  for (const { cid, bytes } of blocks) yield section(cid.bytes, bytes)
}

function section (...parts: Uint8Array[]): Uint8Array {
  const head: number[] = []
  let length = parts.reduce((sum, part) => sum + part.length, 0)
  for (; length > 127; length = Math.floor(length / 128)) head.push(length % 128 | 128)
  return Buffer.concat([Uint8Array.from([...head, length]), ...parts])
}
