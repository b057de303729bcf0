import { messageOf } from '../../src/base/errors.ts'
import type { Dice } from '../sim/dice.ts'
import { importAll } from '../support/imports.ts'
import { uploadForm } from '../support/peer-process.ts'
import type { KilledCluster } from './kill-cluster.ts'
import type { Item, Ledger } from './kill-ledger.ts'

export interface UsersInit { atOnce: number }
export interface UsersDeps { dice: Dice, cluster: KilledCluster, ledger: Ledger }

/** Pins kept per peer; above, users rather unpin. */
const mostItems = 150

/** Users who change things until they are told to stop, each waiting for an answer. */
export class Users {
  readonly counts = { acknowledged: 0, cutOff: 0, collections: 0 }
  readonly #init: UsersInit
  readonly #deps: UsersDeps
  #isOver = false
  /** Users don't knock at a closed door. */
  readonly #gone = new Set<number>()

  constructor (init: UsersInit, deps: UsersDeps) {
    this.#init = init
    this.#deps = deps
  }

  async work (): Promise<void> {
    await Promise.all(
      Array.from({ length: this.#init.atOnce }, async () => { while (!this.#isOver && this.#owners().length > 0) await this.#change() })
    )
  }

  /** No more changes; `work` resolves when the last answers are there. */
  stop (): void { this.#isOver = true }

  #owners (): number[] { return [...this.#deps.cluster.peers.keys()].filter(at => !this.#gone.has(at)) }

  async #change (): Promise<void> {
    const { dice, ledger } = this.#deps
    const owner = dice.pick(this.#owners())
    const kind = dice.float()
    const [pinned, gone] = (['in', 'out'] as const).map(
      state => ledger.idle(state).filter(item => item.owner === owner)
    ) as [Item[], Item[]]
    if (kind < 0.02) return this.collect(owner)
    if (pinned.length > 0 && (kind < 0.35 || pinned.length > mostItems)) return this.#unpin(dice.pick(pinned))
    if (kind < 0.6) return this.#add(owner)
    // content that was unpinned may have been collected: only what needs none is pinned again
    const without = gone.filter(({ content }) => content == null)
    return this.#pin(
      without.length > 0 && kind < 0.7
        ? dice.pick(without)
        : pinned.length > 0 && kind < 0.75
        ? dice.pick(pinned)
        : ledger.item(this.#identityCid(), { owner })
    )
  }

  async #pin (item: Item): Promise<void> {
    const isDirect = item.content == null && item.state === 'out' && this.#deps.dice.chance(0.2)
    await this.#ask(
      item, 'in', `/pins/${item.cid}?name=${this.#deps.dice.whole(1, 1e9)}${this.#factors()}${isDirect ? '&mode=direct' : ''}`,
      { method: 'POST' }
    )
  }

  async #unpin (item: Item): Promise<void> { await this.#ask(item, 'out', `/pins/${item.cid}`, { method: 'DELETE' }) }

  /** The CID is worked out before: a peer that is killed doesn't tell it. */
  async #add (owner: number): Promise<void> {
    const { dice, ledger } = this.#deps
    const content = dice.bytes(dice.pick([100, 5000, 300_000, 1_500_000]))
    const lines = await importAll(
      [{ kind: 'file', path: 'f', content: (async function * () { yield content })() }], { query: { 'cid-version': '1' } }
    )
    const item = ledger.item(String(lines.at(-1)?.cid), { owner, content })
    await this.#ask(
      item, 'in', `/add?stream-channels=false&cid-version=1${this.#factors()}`,
      { method: 'POST', body: uploadForm([{ name: 'f', bytes: content }]) }
    )
  }

  async #ask (item: Item, wish: 'in' | 'out', path: string, request: RequestInit): Promise<void> {
    const { cluster } = this.#deps
    const before = item.state
    item.isBusy = true
    item.state = 'open'
    try {
      const response = await fetch(`${cluster.peers[item.owner]?.url}${path}`, request)
      const text = await response.text()
      if (response.status === 200) {
        item.state = wish
        this.counts.acknowledged++
      } else if (response.status === 404 && before === 'in') {
        throw new Error(`${item.cid} was acknowledged, and its peer doesn't know it: ${text}`)
      }
    } catch (err) {
      if (!(err instanceof TypeError)) throw new Error(messageOf(err), { cause: err })
      this.counts.cutOff++
      this.#gone.add(item.owner)
    } finally {
      item.isBusy = false
    }
  }

  /** What isn't held and isn't pinned goes. */
  async collect (owner: number): Promise<void> {
    this.counts.collections++
    await fetch(
      `${this.#deps.cluster.peers[owner]?.url}/ipfs/gc?local=true`, { method: 'POST' }
    ).then(async response => response.text()).catch(() => this.#gone.add(owner))
  }

  #factors (): string {
    const { dice, cluster } = this.#deps
    const holders = cluster.peers.length > 1 && dice.chance(0.4) ? dice.whole(1, cluster.peers.length) : 0
    return holders === 0 ? '' : `&replication-min=${holders}&replication-max=${holders}`
  }

  /** Content that needs no network. */
  #identityCid (): string {
    const bytes = Buffer.from(this.#deps.dice.bytes(20))
    return `f015500${bytes.length.toString(16).padStart(2, '0')}${bytes.toString('hex')}`
  }
}
