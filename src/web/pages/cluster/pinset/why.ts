import type { PinProgress } from '../../../../client/types.ts'
import { pinErrorText } from '../../../data/errors.ts'
import { shownName } from '../../../data/format.ts'
import type { Tone } from '../../../ui/tone.ts'

/** Why a pin isn't done on a peer. */
export interface Why { tone: Tone, title: string, advice: string }

/** Undefined when nothing is under way there. */
export function whyOf ({ error, operation, ipfs }: PinProgress): Why | undefined {
  if (error !== '') return { tone: 'warn', title: 'The peer does not answer', advice: `It may be fine all the same: ${shownName(error)}` }
  if (operation == null) return undefined
  if (operation.phase === 'queued') return queued(operation)
  const isStuck = ipfs?.phase === 'no_providers' || ipfs?.phase === 'no_peers'
  if (operation.phase === 'error' && !isStuck) {
    return {
      tone: 'bad', title: failureTitle(operation.error),
      advice: operation.next_try_at == null ? 'It is not tried again by itself.' : 'It is tried again by itself.'
    }
  }
  if (operation.type !== 'pin') return { tone: 'info', title: 'It is being unpinned', advice: '' }
  return node(ipfs)
}

/** Peers that wait for the same. */
export interface WaitGroup {
  why: Why
  peers: PinProgress[]
  wantedBlock: string | null
  /** Of those of whom it is known: the earliest. */
  since: string | null
  nextTry: string | null
  /** IPFS nodes that some of them asked. */
  asked: string[]
}

/** Those that wait, grouped by what for; what needs somebody first. */
export function waitGroups (progress: readonly PinProgress[]): WaitGroup[] {
  const groups = new Map<string, WaitGroup>()
  for (const one of progress) {
    const why = whyOf(one)
    if (why == null) continue
    const { operation, ipfs } = one
    const wantedBlock = ipfs?.wanted_block ?? null
    const key = JSON.stringify([why, wantedBlock])
    const group = groups.get(key) ?? { why, peers: [], wantedBlock, since: null, nextTry: null, asked: [] }
    group.peers.push(one)
    group.since = earliest(group.since, ipfs?.wanted_since ?? operation?.since ?? null)
    group.nextTry = earliest(
      group.nextTry, operation?.phase === 'error' ? operation.next_try_at : ipfs?.next_try_at ?? operation?.next_try_at ?? null
    )
    group.asked = [...new Set([...group.asked, ...ipfs?.peers_asked ?? []])]
    groups.set(key, group)
  }
  return [...groups.values()].toSorted((a, b) => tones.indexOf(a.why.tone) - tones.indexOf(b.why.tone))
}

const tones: readonly Tone[] = ['bad', 'warn', 'info', 'good', 'neutral']

/** Texts of RFC 3339 in UTC; what has no fraction comes before what has one in the same second, or nearly. */
const earliest = (a: string | null, b: string | null): string | null => a == null || (b != null && Date.parse(b) < Date.parse(a)) ? b : a

function queued ({ error, queue_length: length }: NonNullable<PinProgress['operation']>): Why {
  if (error !== '') return { tone: 'warn', title: 'It was set aside', advice: shownName(error) }
  return {
    tone: 'info', title: 'It waits for its turn',
    advice: length > 1 ? `${new Intl.NumberFormat('en').format(length)} pins wait in the same queue.` : 'It is next.'
  }
}

function failureTitle (error: string): string {
  const text = pinErrorText(error)
  return text === error ? `It failed: ${shownName(error)}` : `${text.charAt(0).toUpperCase()}${text.slice(1)}`
}

function node (ipfs: PinProgress['ipfs']): Why {
  switch (ipfs?.phase) {
    case 'no_providers': return {
      tone: 'bad',
      title: 'No peer has a block that it needs',
      advice: 'Everybody who is connected was asked, and nobody else could be found. Connect a node that has the content, or add the content again: then it goes on by itself.'
    }
    case 'no_peers': return {
      tone: 'bad', title: 'No other IPFS node is connected',
      advice: 'There is nobody to ask. When a node that has the content connects, it goes on by itself.'
    }
    case 'storing': return { tone: 'info', title: 'All of it is here and is being stored', advice: '' }
    case 'fetching':
    case 'connecting': return ipfs.wanted_block == null
      ? { tone: 'info', title: 'It is being fetched', advice: '' }
      : { tone: 'info', title: 'It waits for a block', advice: 'Somebody may be about to send it.' }
    default: return { tone: 'info', title: 'It is being pinned', advice: 'The IPFS node of this peer does not say how far it is.' }
  }
}
