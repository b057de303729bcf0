/**
 * `node --max-old-space-size=N walk-in-little-memory.ts wide|deep|listing`: walks a DAG that is larger than the heap; prints what it has
 * read.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import { walk as walkInOrder } from '../../src/api/common/dag/walk.ts'
import { systemRandom } from '../../src/base/system.ts'
import { dagReader } from '../../src/ipfs/helia/unixfs/dag-reader.ts'
import { walkScratch } from '../../src/ipfs/helia/walk/scratch.ts'
import { walkDag } from '../../src/ipfs/helia/walk/walk.ts'

const shapes = {
  /** Each block links to the next and to 20,000 that never come: all of them wait. */
  wide: { levels: 40, links: 20_000, absent: true, concurrency: 32 },
  /** The same in order, block by block. */
  listing: { levels: 40, links: 20_000, absent: true, concurrency: 32 },
  /** A leaf of its own for each of very many levels. */
  deep: { levels: 100_000, links: 2, absent: false, concurrency: 1 }
}
const { levels, links, absent, concurrency } = shapes[process.argv[2] as keyof typeof shapes]

/** The link's digest is its level (that of its block, or of its parent) and its number there. */
const linkLength = 41
const linkHead = [0xd8, 0x2a, 0x58, 0x25, 0, 1, 0x71, 0x12, 0x20]

function cidOf (level: number): CID {
  const digest = Buffer.alloc(32)
  digest.writeUInt32BE(level)
  return CID.createV1(0x71, Digest.create(0x12, digest))
}

function blockAt (level: number): Uint8Array {
  const bytes = Buffer.alloc(3 + links * linkLength)
  bytes.set([0x99, links >> 8, links & 255])
  for (let number = 0; number < links; number++) {
    const at = 3 + number * linkLength
    bytes.set(linkHead, at)
    bytes.writeUInt32BE(number === 0 ? level + 1 : level, at + 9)
    bytes.writeUInt32BE(number, at + 13)
  }
  return bytes
}

const folder = await mkdtemp(join(tmpdir(), 'little-memory-'))
const stop = new AbortController()
const enough = new Error('every slot waits')
let [read, leaves, waiting] = [0, 0, 0]

const get = async (cid: CID): Promise<Uint8Array | undefined> => {
  const digest = Buffer.from(cid.multihash.digest)
  const isLeaf = digest.readUInt32BE(4) > 0 || digest.readUInt32BE(0) >= levels
  if (!isLeaf) {
    read++
    return blockAt(digest.readUInt32BE(0))
  }
  leaves++
  if (!absent) return undefined
  if (++waiting === concurrency) stop.abort(enough)
  return new Promise<never>(() => {})
}

const random = systemRandom
const all = process.argv[2] === 'listing' ? list() : walkDag(cidOf(0), {
  depth: -1,
  concurrency,
  scratch: walkScratch({ folder, memoryBytes: 16 << 20 }, { random }),
  signal: stop.signal,
  getAgain: async cid => blockAt(Buffer.from(cid.multihash.digest).readUInt32BE()),
  get
})
await all.catch(err => { if (err !== enough) throw err })
await rm(folder, { recursive: true, force: true })
console.log(`${read} blocks, ${leaves} leaves`)

async function list (): Promise<void> {
  const blocks = walkInOrder(cidOf(0), { reader: dagReader({ folder }, { random }), get: async cid => await get(cid) as Uint8Array })
  for (let count = 0; count < levels; count++) await blocks.next()
}
