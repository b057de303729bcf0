import { jsonLines } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'
import type { KilledCluster, KilledPeer } from './kill-cluster.ts'
import type { Item, Ledger } from './kill-ledger.ts'

export interface ListedPin { cid: string, allocations: string[], replication_factor_min: number }

const settlingMs = 60_000
/** What is read back of what was added, each round. */
const readsPerRound = 5

/** What was promised and doesn't hold, once the peers have had time. Open items are settled by what the peers say. */
export async function brokenPromises (cluster: KilledCluster, ledger: Ledger): Promise<string[]> {
  const lists = await agreedLists(cluster)
  if (typeof lists === 'string') return [lists]
  const broken = lost(lists, ledger)
  if (broken.length > 0) return broken
  return [...(await Promise.all(cluster.peers.map(async peer => peerFaults(peer, lists)))).flat(), ...await unreadable(cluster, ledger)]
}

/** The pinset once all peers say the same. */
async function agreedLists ({ peers }: KilledCluster): Promise<ListedPin[] | string> {
  let texts: string[] = []
  let pins: ListedPin[] = []
  try {
    await pollUntil(async () => {
      const all = await Promise.all(peers.map(async ({ url }) => jsonLines(await fetch(`${url}/allocations`)) as Promise<ListedPin[]>))
      texts = all.map(list => list.map(pin => JSON.stringify(pin)).toSorted().join('\n'))
      pins = all[0] ?? []
      return texts.every(text => text === texts[0])
    }, { withinMs: settlingMs, everyMs: 50 })
    return pins
  } catch {
    return `the pinsets stay apart: ${texts.map(text => text.split('\n').length).join(', ')} pins`
  }
}

function lost (pins: readonly ListedPin[], ledger: Ledger): string[] {
  const listed = new Set(pins.map(({ cid }) => cid))
  const broken: string[] = []
  for (const item of ledger.all()) {
    const isThere = listed.has(asListed(item))
    if (item.state === 'in' && !isThere) broken.push(`${item.cid} was acknowledged by peer ${item.owner} and is lost`)
    if (item.state === 'out' && isThere) broken.push(`${item.cid} was unpinned at peer ${item.owner} and is there`)
    item.state = isThere ? 'in' : 'out'
    listed.delete(asListed(item))
  }
  for (const cid of listed) broken.push(`${cid} is pinned, and nobody has asked for it`)
  return broken
}

/** Lists print CIDs in base32. */
const asListed = ({ cid }: Item): string => cid.startsWith('f') ? base32Of(cid) : cid

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'

function base32Of (hexCid: string): string {
  const bits = Array.from(Buffer.from(hexCid.slice(1), 'hex'), byte => byte.toString(2).padStart(8, '0')).join('')
  return `b${Array.from({ length: Math.ceil(bits.length / 5) }, (_, at) => alphabet[parseInt(bits.slice(5 * at, 5 * at + 5).padEnd(5, '0'), 2)]).join('')}`
}

/** Everything that belongs here is pinned, and the node has no other root; waits until it is so. */
export async function peerFaults (peer: KilledPeer, pins: readonly ListedPin[]): Promise<string[]> {
  const wanted = pins.filter(({ allocations, replication_factor_min: min }) => min < 0 || allocations.includes(peer.id)).length
  let roots = -1
  let unpinned = ''
  try {
    await pollUntil(async () => {
      const response = await fetch(`${peer.url}/pins?local=true&filter=error,queued,pinning,unpinning,unexpectedly_unpinned`)
      unpinned = await response.text()
      roots = await peer.roots()
      return response.status === 204 && roots === wanted
    }, { withinMs: settlingMs, everyMs: 50 })
    return []
  } catch {
    return [
      `a peer has ${roots} roots, wanted are ${wanted}; ${unpinned === '' ? 'nothing is under way' : unpinned.slice(0, 1000)}; folder ${peer.folder}`
    ]
  }
}

async function unreadable ({ peers }: KilledCluster, ledger: Ledger): Promise<string[]> {
  const added = ledger.idle('in').filter(({ content }) => content != null).slice(-readsPerRound)
  const faults = await Promise.all(added.map(async ({ cid, owner, content }) => {
    const response = await fetch(`${peers[owner]?.gateway}/ipfs/${cid}`, { signal: AbortSignal.timeout(settlingMs) }).catch(() => undefined)
    const bytes = response == null ? undefined : new Uint8Array(await response.arrayBuffer())
    return bytes != null && content != null && Buffer.compare(bytes, content) === 0
      ? []
      : [`${cid} was added and can't be read at peer ${owner}`]
  }))
  return faults.flat()
}
