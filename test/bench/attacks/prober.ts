/**
 * A process that asks one URL every so many milliseconds and measures the answers: the attacker's own event loop is too busy for that. Any
 * message ends it; it answers with the times in milliseconds (null for what failed).
 */
import { Agent, get } from 'node:http'

const [url = '', everyMs = '20'] = process.argv.slice(2)
const agent = new Agent({ keepAlive: true, maxSockets: 1000 })
const times: Array<number | null> = []
const underway = new Set<Promise<void>>()

function probe (): Promise<void> {
  const from = performance.now()
  return new Promise(resolve => {
    const end = (ms: number | null): void => {
      times.push(ms)
      resolve()
    }
    get(url, { agent, timeout: 60_000 }, response => {
      response.resume().once('end', () => end(response.statusCode === 200 ? performance.now() - from : null))
    }).once('error', () => end(null)).once('timeout', function (this: { destroy (): void }) { this.destroy() })
  })
}

// the next one doesn't wait for the last: a standstill is seen by all that fall into it
const timer = setInterval(() => {
  const one = probe().finally(() => underway.delete(one))
  underway.add(one)
}, Number(everyMs))

process.once('message', () => {
  clearInterval(timer)
  void Promise.all(underway).then(() => {
    agent.destroy()
    process.send?.(times, () => process.disconnect())
  })
})
