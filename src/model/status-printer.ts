import type { PeerId } from './cid.ts'
import { cidText } from './cid.ts'
import { goJson, goJsonString } from './go-json.ts'
import type { GlobalPinInfo, PinInfoShort } from './pin-info.ts'
import { globalPinInfoJson } from './pin-info.ts'
import { sortedByKey } from './pin.ts'
import type { Time } from './time.ts'
import { formatTime } from './time.ts'

const rowsAtATime = 256

/** What rarely changes about a peer, already printed. */
interface PeerText { short: PeerWords, head: string }

/** What a peer says of itself in each row. */
type PeerWords = Pick<PinInfoShort, 'peerName' | 'ipfsPeerId' | 'ipfsPeerAddresses'>

/**
 * Prints GlobalPinInfos, byte for byte as `goJson(globalPinInfoJson(info))` does, several times faster: what is the same from row to row
 * (keys, peers, the current second) is printed once. One for each list: what it remembers is bounded by the number of peers.
 */
export class StatusPrinter {
  readonly #peers = new Map<PeerId, PeerText>()
  #lists = new WeakMap<readonly string[], string>()
  #lastTime = NaN
  #timeText = ''

  /** Rows with a newline each. */
  lines (infos: readonly GlobalPinInfo[]): string {
    let text = ''
    for (const info of infos) text += `${this.print(info)}\n`
    return text
  }

  print (info: GlobalPinInfo): string {
    return `{"cid":"${cidText(info.cid)}","name":${goJsonString(info.name)},"allocations":${this.#list(info.allocations)},"origins":${this.#list(info.origins)}` +
      `,"created":"${this.#time(info.created)}","metadata":${metadataJson(info.metadata)},"peer_map":{${this.#peerMap(info.peerMap)}}}`
  }

  #peerMap (peerMap: Map<PeerId, PinInfoShort>): string {
    if (peerMap.size === 1) {
      for (const [peer, short] of peerMap) return this.shortText(peer, short)
    }
    let text = ''
    for (const peer of [...peerMap.keys()].toSorted()) {
      const short = peerMap.get(peer)
      if (short != null) text += text === '' ? this.shortText(peer, short) : `,${this.shortText(peer, short)}`
    }
    return text
  }

  /** What one peer says, as it stands in `peer_map`. */
  shortText (peer: PeerId, short: PinInfoShort): string {
    return `${this.headText(peer, short)}${short.status}","timestamp":"${this.#time(short.timestamp)}","error":${short.error === '' ? '""' : goJsonString(short.error)}` +
      `,"attempt_count":${short.attemptCount},"priority_pin":${short.priorityPin ? 'true' : 'false'}}`
  }

  /** The peer's key and everything before the status. */
  headText (peer: PeerId, short: PeerWords): string {
    const known = this.#peers.get(peer)
    if (
      known != null && known.short.peerName === short.peerName && known.short.ipfsPeerId === short.ipfsPeerId
        && sameList(known.short.ipfsPeerAddresses, short.ipfsPeerAddresses)
    ) return known.head
    const ipfs = short.ipfsPeerId === '' ? '' : `"ipfs_peer_id":${goJsonString(short.ipfsPeerId)},`
    const addresses = short.ipfsPeerAddresses.length === 0 ? '' : `"ipfs_peer_addresses":${goJson(short.ipfsPeerAddresses)},`
    const head = `${goJsonString(peer)}:{"peername":${goJsonString(short.peerName)},${ipfs}${addresses}"status":"`
    this.#peers.set(peer, { short, head })
    return head
  }

  #list (list: readonly string[] | null): string {
    if (list == null) return 'null'
    if (list.length === 0) return '[]'
    let text = this.#lists.get(list)
    if (text == null) this.#lists.set(list, text = goJson(list))
    return text
  }

  #time (time: Time): string {
    if (time !== this.#lastTime) {
      this.#timeText = formatTime(time)
      this.#lastTime = time
    }
    return this.#timeText
  }
}

const sameList = (a: readonly string[], b: readonly string[]): boolean =>
  a === b || (a.length === b.length && a.every((one, at) => one === b[at]))

function metadataJson (metadata: Record<string, string> | null): string {
  if (metadata == null) return 'null'
  for (const _key in metadata) return goJson(sortedByKey(metadata))
  return 'null'
}

/** Statuses as JSON lines, some rows in each text, so that a large batch doesn't keep others waiting. */
export async function * statusLines (batches: AsyncIterable<GlobalPinInfo[]>): AsyncGenerator<string, void, undefined> {
  const printer = new StatusPrinter()
  for await (const batch of batches) {
    for (let at = 0; at < batch.length; at += rowsAtATime) {
      yield printer.lines(batch.length <= rowsAtATime ? batch : batch.slice(at, at + rowsAtATime))
    }
  }
}

/** One GlobalPinInfo as JSON. */
export const statusJson = (info: GlobalPinInfo): string => goJson(globalPinInfoJson(info))
