import type { CID } from 'multiformats/cid'
import type { PortCalls } from '../../base/port-calls.ts'
import type { Refusals } from '../denylist.ts'
import type { RefuseCall } from './calls.ts'

/** What is known to be allowed. Longer texts are asked about each time. */
const remembered = 8192
const keptLength = 512

/** The denylist of another thread. What it allows is remembered until its rules change; without rules nobody is asked. */
export class ThreadRefusals implements Refusals {
  readonly #calls: Pick<PortCalls, 'call'>
  readonly #allowed = new Set<string>()
  #hasRules = false

  constructor ({ calls }: { calls: Pick<PortCalls, 'call'> }) { this.#calls = calls }

  /** The rules are others now. */
  changed (hasRules: boolean): void {
    this.#hasRules = hasRules
    this.#allowed.clear()
  }

  isEmpty (): boolean { return !this.#hasRules }

  path (text: string): Promise<void> | undefined {
    return !this.#hasRules || this.#allowed.has(text) ? undefined : this.#ask({ path: text }, [text])
  }

  cids (cids: readonly CID[]): Promise<void> | undefined {
    if (!this.#hasRules) return undefined
    const unknown = cids.map(String).filter(cid => !this.#allowed.has(cid))
    return unknown.length === 0 ? undefined : this.#ask({ cids: unknown }, unknown)
  }

  async #ask (call: RefuseCall, texts: readonly string[]): Promise<void> {
    await this.#calls.call('refuse', call)
    if (this.#allowed.size >= remembered) this.#allowed.clear()
    for (const text of texts) if (text.length <= keptLength) this.#allowed.add(text)
  }
}
