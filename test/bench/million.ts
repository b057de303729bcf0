/**
 * `npm run bench -- --million [--pins 100k,1m]`: one peer with a large pinset, and what it takes: memory after each kind of list and after
 * more pins, rows a second, restarts, and a fresh peer that joins. For each size: a state file, an offline import, a start in which the
 * IPFS node gets all the roots, the lists, 10,000 more pins, a minute of rest, a restart, a join. Loopback only.
 */
import { execFileSync, spawn } from 'node:child_process'
import { hash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { pollUntil } from '../support/poll.ts'
import { nodePeer, type BenchPeer } from './peers.ts'
import { evaluated } from './row-profile.ts'

export interface MillionInit {
  /** The folder with `dist`. */
  root: string
  port: number
  /** Pins of each peer that is tried. */
  sizes: readonly number[]
}

const added = 10_000
const restMs = 60_000
const longMs = 1_800_000
const perMiB = 2 ** 20
const usualPage = 4096

interface Figures { name: string, unit: string, value: number }

export async function benchMillion ({ root, port, sizes }: MillionInit): Promise<void> {
  const columns: Figures[][] = []
  for (const [at, pins] of sizes.entries()) {
    const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-million-'))
    try {
      columns.push(await new Column({ root, folder, port: port + 40 * at, pins }).all())
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
  print(sizes, columns)
}

function print (sizes: readonly number[], columns: readonly Figures[][]): void {
  console.log(`\n| what | unit | ${sizes.map(size => `${size} pins`).join(' | ')} |\n|---|---|${sizes.map(() => '---|').join('')}`)
  for (const [at, { name, unit }] of (columns[0] ?? []).entries()) {
    console.log(`| ${name} | ${unit} | ${columns.map(column => column[at]?.value.toFixed(0)).join(' | ')} |`)
  }
  console.log(`\nload average ${loadavg().map(load => load.toFixed(1)).join(' ')} (1, 5, 15 min)`)
}

/** One size of a pinset, from its import to the peer that joins. */
class Column {
  readonly #init: { root: string, folder: string, port: number, pins: number }
  readonly #figures: Figures[] = []
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 32 })
  #peer: BenchPeer | undefined

  constructor (init: { root: string, folder: string, port: number, pins: number }) { this.#init = init }

  async all (): Promise<Figures[]> {
    const { root, folder, port, pins } = this.#init
    const inspector = `--inspect=127.0.0.1:${port + 9}`
    const peer = this.#peer = await nodePeer(root, join(folder, 'peer'), { port, nodeOptions: [inspector] })
    try {
      await this.#import()
      await this.#firstStart()
      await this.#lists()
      await this.#more()
      await this.#rest()
      await this.#restart()
      await this.#join()
      return this.#figures
    } finally {
      this.#agent.destroy()
      await peer.stop()
      console.log(`${pins} pins: done`)
    }
  }

  get #peerOf (): BenchPeer {
    if (this.#peer == null) throw new Error('no peer')
    return this.#peer
  }

  #note (name: string, unit: string, value: number): void {
    this.#figures.push({ name, unit, value })
    console.log(`${this.#init.pins} pins: ${name}: ${value.toFixed(0)} ${unit}`)
  }

  /** Resident memory in all, what of it is files of the databases, and V8's part. */
  async #memory (when: string): Promise<void> {
    const [pid = 0] = this.#peerOf.pids()
    const { all, anonymous, file } = await memoryOf(pid)
    const v8 = JSON.parse(await evaluated(this.#init.port + 9, 'JSON.stringify(process.memoryUsage())')) as NodeJS.MemoryUsage
    this.#note(`memory ${when}`, 'MiB', all)
    this.#note('— of it not files', 'MiB', anonymous)
    this.#note('— of it files', 'MiB', file)
    this.#note('— V8 heap in use', 'MiB', v8.heapUsed / perMiB)
    this.#note('— buffers', 'MiB', (v8.external) / perMiB)
  }

  /** The most that is held while something is done. */
  async #most<T> (when: string, work: () => Promise<T>): Promise<T> {
    const [pid = 0] = this.#peerOf.pids()
    const watch = new MemoryWatch(pid)
    try { return await work() } finally { this.#note(`most memory ${when}`, 'MiB', watch.end()) }
  }

  async #import (): Promise<void> {
    const { root, folder, pins } = this.#init
    const program = join(root, 'dist/helia-cluster-service.js')
    const peer = join(folder, 'peer')
    const file = join(folder, 'state.json')
    const identity = JSON.parse(await readFile(join(peer, 'identity.json'), 'utf8')) as { id: string }
    const run = (args: string[]): string => execFileSync(process.execPath, [program, '-c', peer, ...args], { encoding: 'utf8' })
    const only = join(folder, 'one.json')
    await writeFile(only, JSON.stringify({
      cid: cidOf(0), name: nameOf(0), replication_factor_min: 1, replication_factor_max: 1, allocations: [identity.id]
    }))
    run(['state', 'import', '-f', only])
    await writeState(file, { pins, form: run(['state', 'export']).trimEnd() })
    const from = performance.now()
    const child = spawn(process.execPath, [program, '-c', peer, 'state', 'import', '-f', file], { stdio: ['ignore', 'ignore', 'inherit'] })
    const watch = new MemoryWatch(child.pid ?? 0)
    const status = await new Promise<number | null>(resolve => child.once('exit', resolve))
    if (status !== 0) throw new Error(`state import ended with ${status}`)
    this.#note('state import', 'pins/s', pins / (performance.now() - from) * 1000)
    this.#note('most memory of it', 'MiB', watch.end())
    await rm(file)
  }

  /** The IPFS node has none of the roots yet. */
  async #firstStart (): Promise<void> {
    const { pins } = this.#init
    this.#note('first start to /health', 'ms', (await this.#peerOf.start()).startMs)
    const from = performance.now()
    await this.#most('until all is pinned', async () => this.#untilPinned())
    this.#note('until pinned', 'pins/s', pins / (performance.now() - from) * 1000)
    await this.#memory('when all is pinned')
    await this.#peerOf.stop()
    this.#note('start to /health', 'ms', (await this.#peerOf.start()).startMs)
    await idle(5000)
    await this.#memory('5 s after a start')
  }

  async #untilPinned (): Promise<void> {
    const { pins } = this.#init
    const { url } = this.#peerOf
    const sample = Array.from({ length: 16 }, (_, at) => cidOf(Math.floor(at * (pins - 1) / 15)))
    const isPinned = async (cid: string): Promise<boolean> => this.#get(`${url}/pins/${cid}?local=true`, text => text.includes('"pinned"'))
    // lists of all would slow down what is measured
    for (const cid of sample) await pollUntil(async () => isPinned(cid), { everyMs: 250, withinMs: longMs, what: 'that all is pinned' })
    await pollUntil(
      async () => await this.#count('/pins?local=true&filter=pinned') >= pins, { everyMs: 2000, withinMs: longMs, what: 'that all is pinned' }
    )
  }

  async #lists (): Promise<void> {
    const { pins } = this.#init
    for (const [name, path, rows] of [
      ['allocations', '/allocations?filter=all', pins], ['status', '/pins?local=true', pins], ['status of the cluster', '/pins', pins],
      ['filter=error', '/pins?local=true&filter=error', 0]
    ] as const) {
      const from = performance.now()
      let [firstMs, count] = [NaN, 0]
      await this.#most(`during ${name}`, async () => {
        for (let round = 0; round < 3; round++) {
          const answer = await this.#rows(path, performance.now())
          count = answer.rows
          firstMs = answer.firstMs
        }
      })
      if (count !== rows) throw new Error(`${path} has ${count} rows and not ${rows}`)
      const ms = (performance.now() - from) / 3
      if (rows === 0) this.#note(name, 'ms', ms)
      else this.#note(name, 'rows/s', rows / ms * 1000)
      this.#note('— its first byte', 'ms', firstMs)
      await this.#memory(`after ${name}`)
    }
  }

  async #more (): Promise<void> {
    const { pins } = this.#init
    const from = performance.now()
    await this.#most(`during ${added} more pins`, async () => {
      let next = pins
      await Promise.all(Array.from({ length: 32 }, async () => {
        while (next < pins + added) await this.#pin(next++)
      }))
      this.#note(`${added} more pins accepted`, 'pins/s', added / (performance.now() - from) * 1000)
      await pollUntil(
        async () => await this.#count('/pins?local=true&filter=pin_queued,pinning,error') === 0, { withinMs: longMs, what: 'the new pins' }
      )
    })
    this.#note('— until pinned', 'pins/s', added / (performance.now() - from) * 1000)
    await this.#memory('after them')
  }

  async #pin (at: number): Promise<void> {
    await this.#get(`${this.#peerOf.url}/pins/${cidOf(at)}?name=${nameOf(at)}`, () => undefined, 'POST')
  }

  async #rest (): Promise<void> {
    await idle(restMs)
    await this.#memory('a minute later')
  }

  async #restart (): Promise<void> {
    await this.#peerOf.stop()
    const from = performance.now()
    this.#note('restart to /health', 'ms', (await this.#peerOf.start()).startMs)
    const rows = await this.#count('/allocations?filter=all')
    this.#note('— to the whole pinset listed', 'ms', performance.now() - from)
    if (rows !== this.#init.pins + added) throw new Error(`${rows} pins after the restart`)
    await idle(5000)
    await this.#memory('5 s after that')
  }

  /** Where the peer listens for others, which begins after its HTTP listeners. */
  async #swarmAddress (): Promise<string> {
    let address: string | undefined
    await pollUntil(async () => {
      const { addresses } = await this.#get(`${this.#peerOf.url}/id`, text => JSON.parse(text) as { addresses: string[] | null })
      address = addresses?.find(one => one.startsWith('/ip4/127.0.0.1/'))
      return address != null
    }, { withinMs: longMs, everyMs: 50, what: 'an address of the peer' })
    return address ?? ''
  }

  /** A fresh peer takes the pinset; the content stays where it is. */
  async #join (): Promise<void> {
    const { root, folder, port, pins } = this.#init
    const source = this.#peerOf
    const fresh = await nodePeer(root, join(folder, 'fresh'), { port: port + 20, nodeOptions: [`--inspect=127.0.0.1:${port + 29}`] })
    try {
      await shareSecret(join(folder, 'peer'), join(folder, 'fresh'))
      await source.stop()
      await source.start()
      const address = await this.#swarmAddress()
      const from = performance.now()
      await fresh.start(['--bootstrap', address])
      const watches = [source, fresh].map(one => new MemoryWatch(one.pids()[0] ?? 0))
      const known = async (at: number): Promise<boolean> => await this.#status(`${fresh.url}/allocations/${cidOf(at)}`) === 200
      for (let at = 0; at < pins + added; at += Math.ceil(pins / 16)) {
        await pollUntil(async () => known(at), { withinMs: longMs, everyMs: 20, what: 'the state' })
      }
      const listed = async (): Promise<number> => this.#count('/allocations?filter=all', fresh.url)
      await pollUntil(async () => await listed() === pins + added, { withinMs: longMs, everyMs: 500, what: 'the whole state' })
      this.#note('a fresh peer joins', 'pins/s', (pins + added) / (performance.now() - from) * 1000)
      const [most = NaN, mostFresh = NaN] = watches.map(watch => watch.end())
      this.#note('— most memory of it', 'MiB', mostFresh)
      this.#note('— most memory of the source', 'MiB', most)
    } finally {
      await fresh.stop()
    }
  }

  async #count (path: string, url = this.#peerOf.url): Promise<number> { return (await this.#rows(path, performance.now(), url)).rows }

  async #rows (path: string, from: number, url = this.#peerOf.url): Promise<{ rows: number, firstMs: number }> {
    return new Promise((resolve, reject) => {
      const asked = request(`${url}${path}`, { agent: this.#agent }, response => {
        let [rows, firstMs] = [0, NaN]
        response.on('data', (piece: Buffer) => {
          if (Number.isNaN(firstMs)) firstMs = performance.now() - from
          for (let at = piece.indexOf(10); at >= 0; at = piece.indexOf(10, at + 1)) rows++
        })
        response.on('end', () => resolve({ rows, firstMs: Number.isNaN(firstMs) ? performance.now() - from : firstMs }))
        response.on('error', reject)
      })
      asked.on('error', reject)
      asked.end()
    })
  }

  async #status (url: string): Promise<number> {
    const response = await fetch(url)
    await response.arrayBuffer()
    return response.status
  }

  async #get<T> (url: string, read: (text: string) => T, method = 'GET'): Promise<T> {
    return new Promise((resolve, reject) => {
      const asked = request(url, { agent: this.#agent, method }, response => {
        let text = ''
        response.setEncoding('utf8').on('data', (piece: string) => { text += piece })
        response.on('end', () => {
          if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode} ${text}`))
          else resolve(read(text))
        })
      })
      asked.on('error', reject)
      asked.end()
    })
  }
}

const idle = async (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

const nameOf = (at: number): string => `million-${at}`

/** Raw, the content in the CID: nothing has to be fetched. As long as a hash, and as little alike. */
const cidOf = (at: number): string => `f01550020${hash('sha256', `pin ${at}`)}`

/** `form`: the only line of an export, of the pin 0. */
async function writeState (file: string, { pins, form }: { pins: number, form: string }): Promise<void> {
  const { cid } = JSON.parse(form) as { cid: string }
  const [head = '', tail = ''] = form.replace(`"${nameOf(0)}"`, '"NAME"').split(cid)
  const out = createWriteStream(file)
  for (let at = 0; at < pins; at += 1000) {
    const lines = Array.from({ length: Math.min(1000, pins - at) }, (_, n) => `${head.replace('NAME', nameOf(at + n))}${cidOf(at + n)}${tail}\n`)
    if (!out.write(lines.join(''))) await once(out, 'drain')
  }
  out.end()
  await finished(out)
}

async function shareSecret (from: string, to: string): Promise<void> {
  const [theirs, ours] = await Promise.all([from, to].map(async folder => JSON.parse(await readFile(join(folder, 'service.json'), 'utf8'))))
  ours.cluster.secret = theirs.cluster.secret
  ours.consensus.crdt.trusted_peers = ['*']
  theirs.consensus.crdt.trusted_peers = ['*']
  await writeFile(join(to, 'service.json'), JSON.stringify(ours, null, 2))
  await writeFile(join(from, 'service.json'), JSON.stringify(theirs, null, 2))
}

/** MiB. */
async function memoryOf (pid: number): Promise<{ all: number, anonymous: number, file: number }> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8')
  const [all = NaN, anonymous = NaN, file = NaN] = ['VmRSS', 'RssAnon', 'RssFile'].map(
    name => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)?.[1]) / 1024
  )
  return { all, anonymous, file }
}

/** The most resident memory of a process between two moments; looks ten times a second. */
class MemoryWatch {
  #most = 0
  readonly #timer: NodeJS.Timeout

  constructor (pid: number) {
    this.#timer = setInterval(() => {
      void readFile(`/proc/${pid}/statm`, 'utf8').then(text => {
        this.#most = Math.max(this.#most, Number(text.split(' ')[1]) * usualPage / perMiB)
      }, () => {})
    }, 100)
  }

  /** MiB. */
  end (): number {
    clearInterval(this.#timer)
    return this.#most
  }
}
