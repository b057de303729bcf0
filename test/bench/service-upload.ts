/**
 * `npm run bench -- --service-upload`: the service's upload and the raw `/add` of the same peer, the same bytes in the same order,
 * alternating. Ratios come from one run only.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pollUntil } from '../support/poll.ts'
import { nodePeer, residentMiB } from './peers.ts'

export interface ServiceUploadInit { root: string, port: number, scale: number, rounds: number }

interface Way { name: 'service' | 'add', url: string, directoryUrl: string, headers: Record<string, string> }

const pieceBytes = 2 ** 20
const smallFiles = 2000
const smallBytes = 4096
const boundary = 'helia-cluster-bench'
const median = (numbers: number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? NaN

/** Prints a table of both, and how they compare. */
export async function benchServiceUpload ({ root, port, scale, rounds }: ServiceUploadInit): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-bench-service-'))
  const peer = await nodePeer(root, join(folder, 'node'), { port })
  const service = await addService(join(folder, 'node', 'service.json'), port + 10)
  await peer.start()
  await pollUntil(
    async () => await fetch(`${service}/api/v1/users/status`).then(({ status }) => status === 401, () => false), { what: 'the service' }
  )
  try {
    const ways = await waysOf(peer.url, service)
    const large: Record<string, number[]> = { service: [], add: [] }
    const small: Record<string, number[]> = { service: [], add: [] }
    let peakMiB = 0
    const watch = setInterval(() => { residentMiB(peer.pids()).then(now => { peakMiB = Math.max(peakMiB, now) }, () => {}) }, 100)
    const bytes = Math.max(pieceBytes, Math.round(2 ** 30 * scale))
    for (let round = 0; round < rounds; round++) {
      for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
        large[way.name]?.push(bytes / 2 ** 20 / await secondsOf(async () => send(way.url, way.headers, largeFile(bytes))))
        small[way.name]?.push(smallFiles / await secondsOf(async () => send(way.directoryUrl, way.headers, manyFiles())))
      }
    }
    clearInterval(watch)
    console.log('\n| what | unit | service | /add | service / add | goal |\n|---|---|---|---|---|---|')
    for (
      const [name, unit, figures, goal] of [
        [`upload of ${Math.round(bytes / 2 ** 20)} MiB`, 'MiB/s', large, '>= 0.8'],
        [`${smallFiles} files of 4 KiB in one folder`, 'files/s', small, '>= 0.5']
      ] as const
    ) {
      const [ours, raw] = [median(figures.service ?? []), median(figures.add ?? [])]
      console.log(`| ${name} | ${unit} | ${ours.toFixed(0)} | ${raw.toFixed(0)} | ${(ours / raw).toFixed(2)} | ${goal} |`)
    }
    console.log(`| peak memory of the peer | MiB | ${peakMiB.toFixed(0)} | | | |`)
  } finally {
    await peer.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function addService (file: string, port: number): Promise<string> {
  const json = JSON.parse(await readFile(file, 'utf8'))
  json.api.service = { http_listen_multiaddress: [`/ip4/127.0.0.1/tcp/${port}`], quota_bytes: 2 ** 45, registration: 'open' }
  await writeFile(file, JSON.stringify(json, null, 2))
  return `http://127.0.0.1:${port}`
}

async function waysOf (rest: string, service: string): Promise<Way[]> {
  const response = await fetch(`${service}/api/v1/users/register`, {
    method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'bench@example.com', password: 'correct horse battery' })
  })
  const { data } = await response.json() as { data: { api_key: string } }
  const add = `${rest}/add?cid-version=1&raw-leaves=true&stream-channels=false`
  return [
    {
      name: 'service', url: `${service}/api/v1/files/upload`, directoryUrl: `${service}/api/v1/files/upload?directory=true`,
      headers: { 'x-api-key': data.api_key }
    },
    { name: 'add', url: add, directoryUrl: add, headers: {} }
  ]
}

async function secondsOf (work: () => Promise<void>): Promise<number> {
  const from = performance.now()
  await work()
  return (performance.now() - from) / 1000
}

const part = (path: string): Buffer => Buffer.from(
  `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${path}"\r\nContent-Type: application/octet-stream\r\n\r\n`
)
const lineEnd = Buffer.from('\r\n')
const last = Buffer.from(`--${boundary}--\r\n`)
let stamp = 0

interface Body { length: number, pieces: Iterable<Buffer> }

/** Content that no upload of before had: each chunk is marked. Made on the way: the client holds none of it. */
const largeFile = (bytes: number): Body => ({
  length: part('large.bin').length + bytes + lineEnd.length + last.length, pieces: largePieces(bytes)
})

function * largePieces (bytes: number): Generator<Buffer> {
  const piece = randomBytes(pieceBytes)
  yield part('large.bin')
  for (let left = bytes; left > 0; left -= pieceBytes) {
    const own = Buffer.from(piece.subarray(0, Math.min(left, pieceBytes)))
    for (let at = 0; at + 8 <= own.length; at += 262_144) own.writeDoubleLE(++stamp, at)
    yield own
  }
  yield lineEnd
  yield last
}

function manyFiles (): Body {
  const content = randomBytes(smallBytes)
  const pieces: Buffer[] = []
  for (let count = 0; count < smallFiles; count++) {
    content.writeDoubleLE(++stamp, 0)
    pieces.push(Buffer.concat([part(`folder/file-${count}`), content, lineEnd]))
  }
  pieces.push(last)
  return { length: pieces.reduce((sum, { length }) => sum + length, 0), pieces }
}

async function send (url: string, headers: Record<string, string>, { length, pieces }: Body): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const sent = request(url, { method: 'POST', headers: {
    ...headers, 'content-type': `multipart/form-data; boundary=${boundary}`, 'content-length': length
  } }, response => {
    const text: Buffer[] = []
    response.on('data', (piece: Buffer) => text.push(piece))
    response.on(
      'end',
      () => response.statusCode === 200 || response.statusCode === 201
        ? resolve()
        : reject(new Error(`${url}: ${response.statusCode} ${Buffer.concat(text).toString().slice(0, 300)}`))
    )
  })
  sent.on('error', reject)
  for (const piece of pieces) if (!sent.write(piece)) await new Promise(done => sent.once('drain', done))
  sent.end()
  await promise
}
