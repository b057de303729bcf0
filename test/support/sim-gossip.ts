import type { Clock, Random } from '../../src/base/clock.ts'
import type { CID, PeerId } from '../../src/model/cid.ts'
import type { BlockExchange, Broadcast, TopicMessage } from '../../src/network/network.ts'

interface Watch { topic: string, told: (peer: PeerId, listeners: number) => void }
interface Member {
  peer: PeerId, watches: Set<Watch>, handlers: Map<string, Set<(message: TopicMessage) => void>>,
  blocks: (cid: CID) => Uint8Array | undefined
}

export interface SimGossipInit {
  /** Longest delay of a message or block. Milliseconds. */
  maxDelayMs: number
  /** Share of messages that get lost, 0 to 1. */
  loss: number
  /** Whether peers are told who begins to listen. Default false. */
  tellsListeners?: boolean
}

/**
 * Gossip and block exchange between peers in one process, in simulated time. Messages may be late, reordered and lost; blocks are only
 * late.
 */
export class SimGossip {
  readonly #init: SimGossipInit
  readonly #deps: { clock: Clock, random: Random }
  readonly #members = new Map<PeerId, Member>()
  /** Pairs of peers ("a b") that don't hear each other. */
  readonly cut = new Set<string>()
  /** Every published message. */
  readonly sent: TopicMessage[] = []

  constructor (init: SimGossipInit, deps: { clock: Clock, random: Random }) {
    this.#init = init
    this.#deps = deps
  }

  /** A peer's place. `blocks`: what it serves. */
  join (peer: PeerId, blocks: (cid: CID) => Uint8Array | undefined): { broadcast: Broadcast, exchange: BlockExchange } {
    const member: Member = { peer, watches: new Set(), handlers: new Map(), blocks }
    this.#members.set(peer, member)
    return {
      broadcast: {
        publish: async (topic, data) => this.#publish(peer, topic, data),
        subscribe: (topic, handler, accept) => {
          if (this.#init.tellsListeners === true) this.#tell(member, topic)
          return subscribe(member, topic, message => { if (accept?.(message.from) !== false) handler(message) })
        },
        ...(this.#init.tellsListeners === true ? { onListener: (topic, told) => watch(member, { topic, told }) } : {})
      },
      exchange: { fetch: async (cid, { signal }) => this.#fetch(peer, cid, signal), offer: () => {} }
    }
  }

  leave (peer: PeerId): void { this.#members.delete(peer) }

  /** Delivers a message as if this peer, member or not, had published it. */
  inject (message: TopicMessage, topic: string): void {
    for (const { handlers } of this.#members.values()) for (const handler of handlers.get(topic) ?? []) handler(message)
  }

  /** Tells the others of this one, and this one of them. */
  #tell (member: Member, topic: string): void {
    const others = [...this.#members.values()].filter(other => other !== member && (other.handlers.get(topic)?.size ?? 0) > 0)
    this.#deps.clock.after(0, () => {
      for (const { topic: watched, told } of member.watches) if (watched === topic) for (const { peer } of others) told(peer, others.length)
      for (const { watches } of others) {
        for (const { topic: watched, told } of watches) if (watched === topic) told(member.peer, others.length)
      }
    })
  }

  #publish (from: PeerId, topic: string, data: Uint8Array): void {
    const { clock, random } = this.#deps
    this.sent.push({ from, data })
    for (const { peer, handlers } of this.#members.values()) {
      if (peer === from || this.#isCut(from, peer) || random.float() < this.#init.loss) continue
      clock.after(
        random.float() * this.#init.maxDelayMs, () => { for (const handler of handlers.get(topic) ?? []) handler({ from, data }) }
      )
    }
  }

  /** Looks again and again, as a real exchange does when peers come and blocks arrive. */
  async #fetch (asker: PeerId, cid: CID, signal: AbortSignal): Promise<Uint8Array> {
    for (let patience = 1; ; patience = Math.min(patience * 2, 64)) {
      await this.#deps.clock.sleep(1 + this.#deps.random.float() * this.#init.maxDelayMs * patience, signal)
      for (const { peer, blocks } of this.#members.values()) {
        const bytes = peer === asker || this.#isCut(asker, peer) ? undefined : blocks(cid)
        if (bytes != null) return bytes
      }
    }
  }

  #isCut (a: PeerId, b: PeerId): boolean { return this.cut.has(`${a} ${b}`) || this.cut.has(`${b} ${a}`) }
}

function watch ({ watches }: Member, one: Watch): () => void {
  watches.add(one)
  return () => { watches.delete(one) }
}

function subscribe ({ handlers }: Member, topic: string, handler: (message: TopicMessage) => void): () => void {
  const known = handlers.get(topic) ?? new Set()
  handlers.set(topic, known.add(handler))
  return () => { known.delete(handler) }
}
