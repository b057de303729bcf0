/**
 * `node test/bench/hostile-dag.ts [absent|deep] [seconds]`: what a pin of a hostile DAG costs a peer: its memory above idle and how long
 * `/id` takes meanwhile. absent: 90 dag-cbor blocks of 20,000 links, all but one of them absent. deep: a chain of 1,000,000 small blocks
 * with a leaf each.
 */
import { createWriteStream, openAsBlob, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type { Block } from '../../src/blockstore/blockstore.ts'
import { absentChain, carOf, deepChain } from '../support/hostile-dags.ts'
import { peerProcess } from '../support/peer-process.ts'

const [kind = 'absent', seconds = '40'] = process.argv.slice(2)
const heapMiB = 256

const rssMiB = (pid: number): number => {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  } catch {
    return 0
  }
}

/** Looks at memory and answers until told to stop. */
function watch (pid: number, url: string): {
  stop: () => Promise<{ peakMiB: number, p50: number, p99: number, worst: number, failed: number }>
} {
  const times: number[] = []
  let [peakMiB, failed, isOver] = [0, 0, false]
  const memory = setInterval(() => { peakMiB = Math.max(peakMiB, rssMiB(pid)) }, 20)
  const asking = (async () => {
    while (!isOver) {
      const begin = performance.now()
      await fetch(`${url}/id`).then(async answer => answer.text(), () => failed++)
      times.push(performance.now() - begin)
      await wait(20)
    }
  })()
  return {
    stop: async () => {
      isOver = true
      await asking
      clearInterval(memory)
      times.sort((a, b) => a - b)
      const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
      return { peakMiB, p50: at(0.5), p99: at(0.99), worst: at(1), failed }
    }
  }
}

const dag = (): Iterable<Block> => kind === 'deep' ? deepChain({ levels: 1_000_000, tails: 1 }) : absentChain({ levels: 90, links: 20_000 })
let root: Block | undefined
for (const block of dag()) root = block
if (root == null) throw new Error('no DAG')
const folder = await mkdtemp(join(tmpdir(), 'hostile-dag-'))
const car = join(folder, 'a.car')
await pipeline(Readable.from(carOf(root.cid, dag())), createWriteStream(car))

process.env.NODE_OPTIONS = `--max-old-space-size=${heapMiB}`
const peer = await peerProcess()
const say = (
  what: string, { peakMiB, p50, p99, worst, failed }: Awaited<ReturnType<ReturnType<typeof watch>['stop']>>, idle: number
): void => {
  console.log(
    `${what}: RSS ${peakMiB.toFixed(0)} MiB, ${(peakMiB - idle).toFixed(0)} above idle; /id p50 ${p50.toFixed(0)}, p99 ${p99.toFixed(0)}, worst ${worst.toFixed(0)} ms; ${failed} failed`
  )
}
try {
  await peer.start()
  await wait(5000)
  let idle = rssMiB(peer.pid())
  console.log(`CAR of ${(statSync(car).size / 1e6).toFixed(0)} MB, heap of ${heapMiB} MiB; idle: RSS ${idle.toFixed(0)} MiB`)
  const adding = watch(peer.pid(), peer.url)
  const form = new FormData()
  form.append('file', await openAsBlob(car), 'a.car')
  const answer = await fetch(`${peer.url}/add?format=car`, { method: 'POST', body: form })
  console.log('add:', answer.status, (await answer.text()).slice(0, 200))
  say('added', await adding.stop(), idle)
  const pinning = watch(peer.pid(), peer.url)
  await wait(Number(seconds) * 1000)
  say('pinning', await pinning.stop(), idle)
  console.log('status:', (await (await fetch(`${peer.url}/pins/${root.cid.toString()}?local=true`)).text()).slice(0, 600))
  console.log('progress:', (await (await fetch(`${peer.url}/pins/${root.cid.toString()}/progress`)).text()).slice(0, 800))
  await peer.end('SIGKILL')
  await peer.start()
  await wait(5000)
  idle = rssMiB(peer.pid())
  const again = watch(peer.pid(), peer.url)
  await wait(Number(seconds) * 1000)
  say(`after a restart (first seconds: RSS ${idle.toFixed(0)} MiB)`, await again.stop(), idle)
  console.log('status:', (await (await fetch(`${peer.url}/pins/${root.cid.toString()}?local=true`)).text()).slice(0, 600))
} finally {
  if (process.exitCode != null || !peer.log().includes('listens')) console.log(peer.log().slice(-3000))
  await peer.remove()
  await rm(folder, { recursive: true })
}
