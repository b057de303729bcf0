import { hash, randomBytes } from 'node:crypto'
import type { DagParams, UploadEntry } from '../../src/model/add.ts'
import { importEntries } from '../support/imports.ts'

/**
 * `node test/bench/importer.ts [ROUNDS]`: what the importer alone does into a sink that forgets, beside a bare crypto.hash loop over the
 * same bytes in the same round. Medians.
 */
const rounds = Number(process.argv[2] ?? 3)
const mebibyte = 1 << 20
const source = randomBytes(64 * mebibyte)
const defaults: DagParams = { layout: '', chunker: 'size-262144', rawLeaves: true, cidVersion: 1, hash: 'sha2-256', noCopy: false }

interface Measured { name: string, unit: string, perSecond: number[], ofHash: number[] }

async function * pieces (sizeBytes: number, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < sizeBytes; at += pieceBytes) {
    const offset = at % source.length
    yield source.subarray(offset, offset + pieceBytes)
  }
}

async function * oneFile (sizeBytes: number, pieceBytes: number): AsyncGenerator<UploadEntry> {
  yield { kind: 'file', path: 'file', content: pieces(sizeBytes, pieceBytes) }
}

async function * directory (count: number): AsyncGenerator<UploadEntry> {
  yield { kind: 'directory', path: 'd' }
  for (let i = 0; i < count; i++) yield { kind: 'file', path: `d/file-${i}`, content: pieces(1024, 1024) }
}

async function seconds (work: () => Promise<unknown> | void): Promise<number> {
  const start = process.hrtime.bigint()
  await work()
  return Number(process.hrtime.bigint() - start) / 1e9
}

async function runImport (entries: AsyncIterable<UploadEntry>, params: Partial<DagParams> = {}): Promise<void> {
  const lines = importEntries(entries, { ...defaults, ...params }, { write: () => {} }, { wrap: false, progress: false })
  for await (const _ of lines); // eslint-disable-line no-empty
}

/** MB/s of a loop that only hashes. */
async function bareHash (sizeBytes: number, chunkBytes: number): Promise<number> {
  const took = await seconds(() => {
    for (let at = 0; at < sizeBytes; at += chunkBytes) {
      hash('sha256', source.subarray(at % source.length, at % source.length + chunkBytes), 'buffer')
    }
  })
  return sizeBytes / took / 1e6
}

const results = new Map<string, Measured>()

function record (name: string, unit: string, perSecond: number, reference: number): void {
  const measured = results.get(name) ?? { name, unit, perSecond: [], ofHash: [] }
  measured.perSecond.push(perSecond)
  measured.ofHash.push(perSecond / reference)
  results.set(name, measured)
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

async function measureFile (
  name: string, sizeBytes: number, pieceBytes: number, params: Partial<DagParams>, reference: number
): Promise<void> {
  const took = await seconds(async () => await runImport(oneFile(sizeBytes, pieceBytes), params))
  record(name, 'MB/s', sizeBytes / took / 1e6, reference)
}

async function measureDirectory (name: string, params: Partial<DagParams>): Promise<void> {
  const count = 2000
  const hashed = await seconds(() => { for (let i = 0; i < count; i++) hash('sha256', source.subarray(0, 1024), 'buffer') })
  const took = await seconds(async () => await runImport(directory(count), params))
  record(name, 'files/s', count / took, count / hashed)
}

for (let round = 0; round < rounds; round++) {
  const large = 512 * mebibyte
  const reference = await bareHash(large, 262144)
  record('bare crypto.hash, 256 KiB', 'MB/s', reference, reference)
  await measureFile('v1, raw leaves, pieces of 1 MiB', large, mebibyte, {}, reference)
  await measureFile('v1, raw leaves, pieces of 64 KiB', large, 65536, {}, reference)
  await measureFile('v0, dag-pb leaves, pieces of 64 KiB', large, 65536, { cidVersion: 0, rawLeaves: false }, reference)
  await measureFile('trickle, v1, pieces of 64 KiB', large, 65536, { layout: 'trickle' }, reference)
  await measureFile('chunks of 1 MiB, pieces of 64 KiB', large, 65536, { chunker: 'size-1048576' }, reference)
  await measureFile('buzhash', large / 4, 65536, { chunker: 'buzhash' }, reference)
  await measureFile('rabin', large / 4, 65536, { chunker: 'rabin' }, reference)
  await measureDirectory('2000 files of 1 KiB, v1', {})
  await measureDirectory('2000 files of 1 KiB, v0', { cidVersion: 0, rawLeaves: false })
}

const { rss } = process.memoryUsage()
console.log('what'.padEnd(40) + 'per second'.padStart(16) + 'of bare hash'.padStart(14))
for (const { name, unit, perSecond, ofHash } of results.values()) {
  console.log(name.padEnd(40) + `${Math.round(median(perSecond))} ${unit}`.padStart(16) + median(ofHash).toFixed(2).padStart(14))
}
console.log(`RSS ${Math.round(rss / mebibyte)} MiB, of which the source has 64`)
