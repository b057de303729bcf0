import { setTimeout as sleep } from 'node:timers/promises'
import { base32 } from '../../src/base/text/base32.ts'
import type { Dice } from '../sim/dice.ts'
import { jsonLines } from '../support/peer-process.ts'
import type { Asked, Outcome, Read } from './set-checker.ts'

export interface SetUsersInit { atOnce: number }
export interface SetUsersDeps {
  dice: Dice
  /** Where the peers' REST APIs are. */
  urls: readonly string[]
  /** Elements that were there when the round began. */
  known: readonly string[]
  /** The next place in the order of all that happens. */
  tick: () => number
}

/** How long users wait for an answer. A process that stands still answers later than any other. */
const patienceMs = 20_000
/** Before somebody asks again who has got no answer. */
const pauseMs = 30
/** Above, users rather remove. */
const mostElements = 200

/** Users who add elements to the set, remove them and look, at any peer, each waiting for an answer. Everything is written down. */
export class SetUsers {
  readonly asked: Asked[] = []
  readonly reads: Read[] = []
  readonly #init: SetUsersInit
  readonly #deps: SetUsersDeps
  readonly #in: string[]
  #isOver = false

  constructor (init: SetUsersInit, deps: SetUsersDeps) {
    this.#init = init
    this.#deps = deps
    this.#in = [...deps.known]
  }

  /** Resolves after `stop`, when the last answers are there. */
  async work (): Promise<void> {
    await Promise.all(Array.from({ length: this.#init.atOnce }, async () => { while (!this.#isOver) await this.#act() }))
  }

  stop (): void { this.#isOver = true }

  async #act (): Promise<void> {
    const { dice, urls } = this.#deps
    const peer = dice.whole(0, urls.length - 1)
    const kind = dice.float()
    if (kind < 0.15) return this.#read(peer)
    if (this.#in.length > mostElements || (kind < 0.5 && this.#in.length > 0)) return this.#remove(peer)
    return this.#add(peer)
  }

  async #add (peer: number): Promise<void> {
    const { dice, urls } = this.#deps
    const element = newElement(dice)
    const holders = dice.chance(0.3) ? dice.whole(1, urls.length) : 0
    const factors = holders === 0 ? '' : `&replication-min=${holders}&replication-max=${holders}`
    const outcome = await this.#ask({ wish: 'add', element, peer }, `/pins/${element}?name=${dice.whole(1, 1e9)}${factors}`, 'POST')
    if (outcome !== 'refused') this.#in.push(element)
  }

  /** Also what is still on its way: the peer may not know of it, and says so. */
  async #remove (peer: number): Promise<void> {
    const at = this.#deps.dice.whole(0, this.#in.length - 1)
    const [element = ''] = this.#in.splice(at, 1)
    const outcome = await this.#ask({ wish: 'remove', element, peer }, `/pins/${element}`, 'DELETE')
    if (outcome === 'refused') this.#in.push(element)
  }

  async #ask (what: Pick<Asked, 'wish' | 'element' | 'peer'>, path: string, method: string): Promise<Outcome> {
    const began = this.#deps.tick()
    const outcome = await fetch(`${this.#deps.urls[what.peer]}${path}`, { method, signal: AbortSignal.timeout(patienceMs) }).then(
      async response => {
        await response.text()
        return response.status === 200 ? 'acknowledged' : response.status === 404 || response.status === 400 ? 'refused' : 'unknown'
      }, () => 'unknown' as const)
    this.asked.push({ ...what, began, ended: this.#deps.tick(), outcome })
    if (outcome === 'unknown') await sleep(pauseMs)
    return outcome
  }

  async #read (peer: number): Promise<void> {
    const read = await readSet(this.#deps.urls[peer] ?? '', { peer, tick: this.#deps.tick })
    if (read == null) await sleep(pauseMs)
    else this.reads.push(read)
  }
}

/** What a peer says that the set is; undefined when it doesn't answer, or not to the end. */
export async function readSet (url: string, { peer, tick }: { peer: number, tick: () => number }): Promise<Read | undefined> {
  const began = tick()
  try {
    const response = await fetch(`${url}/allocations`, { signal: AbortSignal.timeout(patienceMs) })
    if (response.status !== 200 && response.status !== 204) return undefined
    const elements = new Set((await jsonLines(response)).map(({ cid }) => cid as string))
    return { peer, began, ended: tick(), elements }
  } catch {
    return undefined
  }
}

/** A CID that has its content in it: no network has to give it. As lists print it, in base32. */
function newElement (dice: Dice): string {
  const content = Buffer.from(dice.bytes(20))
  return `b${base32(Buffer.concat([Buffer.from([1, 0x55, 0, content.length]), content]))}`
}
