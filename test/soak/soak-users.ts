import { setTimeout as sleep } from 'node:timers/promises'
import { identityCid } from '../support/blocks.ts'
import { uploadForm } from '../support/peer-process.ts'
import type { Dice } from '../sim/dice.ts'

/** Above so many pins, users rather unpin. */
const fullPinset = 400
/** An answer that doesn't come in this time counts as a failure. */
const patienceMs = 30_000

/** Users that add, pin and unpin, each at a peer of its choice. What was acknowledged is kept. */
export class SoakUsers {
  readonly counts = { acknowledged: 0, failed: 0, notYet: 0 }
  readonly failures: string[] = []
  readonly #urls: readonly string[]
  readonly #dice: Dice
  readonly #pinned = new Set<string>()
  /** What somebody was told is pinned, or isn't; nobody knows of what failed. */
  readonly #unknown = new Set<string>()
  readonly #underway = new Set<Promise<void>>()
  #made = 0

  constructor (urls: readonly string[], dice: Dice) {
    this.#urls = urls
    this.#dice = dice
  }

  /** So many operations a second until the signal aborts; resolves when all are answered. */
  async work (perSecond: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const work = this.#one().finally(() => { this.#underway.delete(work) })
      this.#underway.add(work)
      await sleep(1000 / perSecond, undefined, { signal }).catch(() => {})
    }
    await Promise.all(this.#underway)
  }

  /** What is wrong with a peer's pinset; nothing: it has all that was acknowledged, and no more. */
  missingIn (pinset: ReadonlySet<string>): string[] {
    const faults = [...this.#pinned].filter(cid => !pinset.has(cid)).map(cid => `${cid} is missing`)
    return [
      ...faults, ...[...pinset].filter(cid => !this.#pinned.has(cid) && !this.#unknown.has(cid)).map(cid => `${cid} should not be there`)
    ]
  }

  async #one (): Promise<void> {
    const url = this.#dice.pick(this.#urls)
    const wish = this.#dice.float() + (this.#pinned.size >= fullPinset ? 0.5 : 0)
    if (wish >= 0.7 && this.#pinned.size > 0) return this.#unpin(url)
    return wish < 0.35 ? this.#add(url) : this.#pin(url)
  }

  async #add (url: string): Promise<void> {
    const bytes = this.#dice.bytes(this.#dice.whole(1, 65_536))
    await this.#ask(`${url}/add?name=soak-${this.#made++}`, {
      method: 'POST', body: uploadForm([{ name: 'file', bytes }])
    }, '', async response => {
      const line = (await response.text()).trim().split('\n').at(-1) ?? ''
      this.#pinned.add((JSON.parse(line) as { cid: string }).cid)
    })
  }

  async #pin (url: string): Promise<void> {
    const cid = identityCid(`soak ${this.#made++}`).toString()
    await this.#ask(`${url}/pins/${cid}`, { method: 'POST' }, cid, async () => { this.#pinned.add(cid) })
  }

  async #unpin (url: string): Promise<void> {
    const cid = this.#dice.pick([...this.#pinned])
    this.#pinned.delete(cid)
    await this.#ask(`${url}/pins/${cid}`, { method: 'DELETE' }, cid, async () => {}, () => {
      this.counts.notYet++
      this.#pinned.add(cid)
    })
  }

  async #ask (
    url: string, init: RequestInit, cid: string, done: (response: Response) => Promise<void>, notFound = (): void => {}
  ): Promise<void> {
    try {
      const response = await fetch(url, { ...init, signal: AbortSignal.timeout(patienceMs) })
      if (response.status === 404) return notFound()
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
      await done(response)
      this.counts.acknowledged++
    } catch (err) {
      this.counts.failed++
      this.#unknown.add(cid)
      this.failures.push(`${init.method} ${url}: ${String(err)}`)
    }
  }
}
