import type { PinState } from '../../consensus/consensus.ts'
import type { IpfsPinStatus, PinnedView } from '../../ipfs/ipfs.ts'
import { oneAhead } from '../../base/read-ahead.ts'
import { TextChunks } from '../../base/text/text-chunks.ts'
import { parseCid } from '../../model/cid.ts'
import type { PeerId } from '../../model/cid.ts'
import { goJsonString } from '../../model/go-json.ts'
import { globalFromLocal } from '../../model/pin-info.ts'
import type { PinInfo } from '../../model/pin-info.ts'
import { PinLineCutter } from '../../model/pin-line.ts'
import type { PinLine, PinLineTerms } from '../../model/pin-line.ts'
import { StatusPrinter } from '../../model/status-printer.ts'
import type { StatusFilter, TrackerStatus } from '../../model/status.ts'
import { statusMatches } from '../../model/status.ts'
import type { TrackerOptions } from '../tracker.ts'
import { stateFacts } from './operation-states.ts'
import { keyOf } from './operation-table.ts'
import type { OperationTable } from './operation-table.ts'
import { desiredState } from './operation-runner.ts'
import type { PinInfos } from './pin-infos.ts'
import { errorOf } from './status-list.ts'
import type { OpenView, StatusLists, WantedPin } from './status-list.ts'

export interface StatusListLinesDeps {
  state: PinState
  table: OperationTable
  infos: PinInfos
  lists: StatusLists
}

/**
 * What `StatusLists` lists, as the lines that `StatusPrinter` prints: assembled from pins' own lines and of texts that many rows share.
 * Whatever isn't as usual is printed by `StatusPrinter` itself.
 */
export class StatusListLines {
  readonly #self: PeerId
  readonly #deps: StatusListLinesDeps

  constructor (self: PeerId, deps: StatusListLinesDeps) {
    this.#self = self
    this.#deps = deps
  }

  /** In chunks that end with a line. */
  async * list (filter: StatusFilter, options: TrackerOptions): AsyncGenerator<Uint8Array> {
    const { lists, state } = this.#deps
    const print = new OneList(this.#self, filter, this.#deps)
    if (!lists.needsPinset(filter)) {
      for (const rows of lists.ofOperations(filter)) yield * print.rows(rows)
      return
    }
    const open = lists.needsView(filter) ? await lists.openView(options) : undefined
    try {
      for await (const lines of oneAhead(state.lines(options))) {
        const pins = print.cut(lines)
        yield * print.pins(lines, pins, { open, held: open == null ? undefined : await heldOf(open.view, pins) })
      }
    } finally {
      if (open != null) await lists.closeView(open)
    }
    for (const rows of lists.unpinsNotInPinset(filter)) yield * print.rows(rows)
  }
}

/** What the node says of these pins. */
async function heldOf (view: PinnedView, pins: ReadonlyArray<PinLine | undefined>): Promise<IpfsPinStatus[]> {
  const cids = pins.map(pin => pin?.cid ?? '')
  if (view.statusesOfTexts != null) return view.statusesOfTexts(cids)
  return cids.map(cid => cid === '' ? 'unpinned' : view.statusOf(parseCid(cid)))
}

/** `held`: by pin. Undefined when the node wasn't asked. */
interface NodesWord { open: OpenView | undefined, held: readonly IpfsPinStatus[] | undefined }

/** What rows with the same terms have in common. */
interface TermsText { terms: PinLineTerms, wanted: WantedPin, behindName: string, behindCreated: string }

/** Around the time of a status that is no operation's. */
interface StatusText { start: string, end: string }

/** The lines of one list. */
class OneList {
  readonly #self: PeerId
  readonly #filter: StatusFilter
  readonly #deps: StatusListLinesDeps
  readonly #cutter = new PinLineCutter()
  readonly #printer = new StatusPrinter()
  readonly #chunks = new TextChunks()
  readonly #byStatus = new Map<TrackerStatus, StatusText>()
  #terms: TermsText | undefined

  constructor (self: PeerId, filter: StatusFilter, deps: StatusListLinesDeps) {
    this.#self = self
    this.#filter = filter
    this.#deps = deps
  }

  cut (lines: readonly string[]): Array<PinLine | undefined> { return lines.map(line => this.#cutter.cut(line)) }

  * rows (rows: readonly PinInfo[]): Generator<Uint8Array> {
    for (const row of rows) {
      const full = this.#chunks.add(this.#rowText(row))
      if (full != null) yield full
    }
    yield * this.#rest()
  }

  * pins (lines: readonly string[], pins: ReadonlyArray<PinLine | undefined>, { open, held }: NodesWord): Generator<Uint8Array> {
    this.#byStatus.clear() // who this peer is may have changed
    for (let at = 0; at < pins.length; at++) {
      const pin = pins[at]
      const text = pin == null ? this.#unusual(lines[at] ?? '', open) : this.#text(pin, open, held?.[at])
      const full = text === '' ? undefined : this.#chunks.add(text)
      if (full != null) yield full
    }
    yield * this.#rest()
  }

  * #rest (): Generator<Uint8Array> {
    const rest = this.#chunks.rest()
    if (rest != null) yield rest
  }

  /** '': the filter leaves it out. */
  #text (pin: PinLine, open: OpenView | undefined, held: IpfsPinStatus | undefined): string {
    const { lists, table, infos } = this.#deps
    const terms = this.#terms?.terms === pin.terms ? this.#terms : this.#terms = this.#textOf(pin.terms)
    const start = `{"cid":"${pin.cid}","name":${pin.nameJson}${terms.behindName}${pin.timestamp}${terms.behindCreated}`
    const key = lists.isAtRest(open) ? '' : keyOf(parseCid(pin.cid))
    const operation = table.get(key)
    if (operation != null && operation.state !== 'idle') {
      if (!statusMatches(stateFacts[operation.state].status, this.#filter)) return ''
      return `${start}${this.#printer.shortText(this.#self, infos.ofOperation(parseCid(pin.cid), operation, undefined))}}}\n`
    }
    const status = lists.computed(terms.wanted, key, open, held)
    if (status === 'undefined' || !statusMatches(status, this.#filter)) return ''
    const note = lists.hasNotes ? lists.noteOn(parseCid(pin.cid), status) : ''
    const text = note === '' ? this.#byStatus.get(status) ?? this.#textOfStatus(status) : this.#statusText(status, note)
    return `${start}${text.start}${pin.timestamp}${text.end}`
  }

  #textOf (terms: PinLineTerms): TermsText {
    return {
      terms,
      wanted: { desired: desiredState(terms, this.#self), maxDepth: terms.maxDepth },
      behindName: `,"allocations":${terms.allocationsJson},"origins":${terms.originsJson},"created":"`,
      behindCreated: `","metadata":${terms.metadataJson},"peer_map":{`
    }
  }

  #textOfStatus (status: TrackerStatus): StatusText {
    const text = this.#statusText(status, errorOf(status))
    this.#byStatus.set(status, text)
    return text
  }

  #statusText (status: TrackerStatus, error: string): StatusText {
    return {
      start: `${this.#printer.headText(this.#self, this.#deps.infos.identity())}${status}","timestamp":"`,
      end: `","error":${goJsonString(error)},"attempt_count":0,"priority_pin":false}}}\n`
    }
  }

  /** A line that another version of the program has written. */
  #unusual (line: string, open: OpenView | undefined): string {
    const { state, lists } = this.#deps
    const pin = state.get(parseCid((JSON.parse(line) as { cid: string }).cid))
    const row = pin == null ? undefined : lists.rowOf(pin, this.#filter, open, undefined)
    return row == null ? '' : this.#rowText(row)
  }

  #rowText (row: PinInfo): string { return `${this.#printer.print(globalFromLocal(row))}\n` }
}
