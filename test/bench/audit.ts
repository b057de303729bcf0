/**
 * What an audit costs a real peer (the built program): `node test/bench/audit.ts [MB] [RATE]`. Adds so much (default 1000), reads it
 * all at the rate (100MB), and tells CPU time of the process per 100 MB, in rounds of their own, and how long `GET /id` takes
 * meanwhile and without, 50 a second.
 */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { bundledProgram, jsonLines, peerProcess, uploadForm } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'

const megabytes = Number(process.argv[2] ?? 1000)
const rate = process.argv[3] ?? '100MB'
const tickMs = 10

const peer = await peerProcess(json => { json.cluster.audit = { interval: '0s', max_rate: rate } }, { daemon: bundledProgram })

async function cpuMs (): Promise<number> {
  const fields = (await readFile(`/proc/${peer.pid()}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? []
  const [user = 0, system = 0] = fields.slice(11, 13).map(Number)
  return (user + system) * tickMs
}

/** Asks until the work is over; gives the times of the answers. */
async function asking (work: Promise<unknown>): Promise<{ p50: number, p99: number, count: number }> {
  let isOver = false
  void work.then(() => { isOver = true })
  const times: number[] = []
  while (!isOver) {
    const from = performance.now()
    await (await fetch(`${peer.url}/id`)).arrayBuffer()
    times.push(performance.now() - from)
    await sleep(Math.max(0, 20 - (performance.now() - from)))
  }
  times.sort((a, b) => a - b)
  return { p50: times[times.length >> 1] ?? NaN, p99: times[Math.floor(times.length * 0.99)] ?? NaN, count: times.length }
}

async function audited (): Promise<{ bytes: number, seconds: number, state: string }> {
  const from = performance.now()
  const { id } = await (await fetch(`${peer.url}/audit`, { method: 'POST' })).json() as { id: number }
  for (;;) {
    await sleep(250)
    const runs = await (await fetch(`${peer.url}/audit`)).json() as Array<{ id: number, state: string, bytes: number, bad: number }>
    const run = runs.find(one => one.id === id)
    if (run == null || run.state === 'running') continue
    return { bytes: run.bytes, seconds: (performance.now() - from) / 1000, state: `${run.state}, ${run.bad} bad` }
  }
}

try {
  await peer.start()
  for (let left = megabytes; left > 0; left -= 100) {
    await jsonLines(await fetch(`${peer.url}/add?cid-version=1`, {
      method: 'POST', body: uploadForm([{ name: 'file', bytes: randomBytes(Math.min(left, 100) * 1e6) }])
    }))
  }
  await pollUntil(async () => (await jsonLines(await fetch(`${peer.url}/pins?filter=pinned`))).length === Math.ceil(megabytes / 100))
  const cpuOf = async <T>(work: Promise<T>): Promise<{ ms: number, result: T }> => {
    const from = await cpuMs()
    const result = await work
    return { ms: await cpuMs() - from, result }
  }
  for (let round = 0; round < 3; round++) {
    const idle = await cpuOf(sleep(5000))
    const { ms, result: { bytes, seconds, state } } = await cpuOf(audited())
    const cost = ((ms - idle.ms / 5 * seconds) / (bytes / 1e8)).toFixed(0)
    console.log(`${state}: ${(bytes / 1e6 / seconds).toFixed(0)} MB/s; ${cost} ms of a core per 100 MB`)
  }
  for (let round = 0; round < 3; round++) {
    const idle = await asking(sleep(10_000))
    const busy = await asking(audited())
    console.log(
      `/id p50 ${idle.p50.toFixed(2)} -> ${busy.p50.toFixed(2)} ms, p99 ${idle.p99.toFixed(2)} -> ${busy.p99.toFixed(2)} ms ` +
        `(${busy.count} asked)`
    )
  }
} finally {
  await peer.remove()
}
