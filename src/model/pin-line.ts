import type { PinDepth, PinPlacement, PinType } from './pin.ts'

/** What many pins have in common. Members that end in `Json` are JSON as it stands in the line. */
export interface PinLineTerms extends PinPlacement {
  maxDepth: PinDepth
  allocationsJson: string
  originsJson: string
  metadataJson: string
}

/** A pin's line in pieces. */
export interface PinLine {
  /** As `cidText` prints it. */
  cid: string
  nameJson: string
  /** As `formatTime` prints it. */
  timestamp: string
  /** One object for all lines with the same words, as long as they follow each other. */
  terms: PinLineTerms
}

const nameKey = ',"name":'
/** Neither names nor metadata have quotes without a backslash before them. */
const behindName = '","mode":"'
const behindCid = '","type":"'
/** `2030-01-01T00:00:00Z"}` and a newline: stored times are whole seconds. */
const timestampLength = 20
const tailLength = timestampLength + 3

const wholeStart = /^\{"replication_factor_min":(-?\d+),"replication_factor_max":(-?\d+),"name":$/
const wholeMiddle = /^,"mode":"\w+","shard_size":\d+,"user_allocations":null,"expire_at":"[^"]+","metadata":(.+),"pin_update":(?:null|"\w+"),"origins":(\[.*\]),"cid":"$/s
const wholeEnd = /^","type":"([\w-]+)","allocations":(\[[^\]]*\]),"max_depth":(-?\d+),"reference":(?:null|"\w+"),"timestamp":"$/

/** More are forgotten: each list of allocations gives one. */
const mostTerms = 1000

/**
 * Cuts the lines that `pinText` prints of stored pins (`PinState.lines`), in a tenth of the time that it takes to read them as JSON: what
 * stands between name and CID and behind the CID is mostly as in the line before.
 */
export class PinLineCutter {
  // of the last line: up to the name, between name and CID, between CID and timestamp
  #start = ''
  #middle = ''
  #end = ''
  #cidLength = 0
  #terms: PinLineTerms | undefined
  /** By what stands behind the CID; all with this start and middle. */
  readonly #known = new Map<string, PinLineTerms>()

  /** Undefined for what is no such line. */
  cut (line: string): PinLine | undefined {
    const timeAt = line.length - tailLength
    const cidEnd = timeAt - this.#end.length
    const cidAt = cidEnd - this.#cidLength
    const nameEnd = cidAt - this.#middle.length
    if (
      this.#terms == null || line.slice(cidEnd, timeAt) !== this.#end || line.slice(nameEnd, cidAt) !== this.#middle ||
        !line.startsWith(this.#start)
    ) return this.#cutAnew(line)
    return {
      cid: line.slice(cidAt, cidEnd), nameJson: line.slice(this.#start.length, nameEnd),
      timestamp: line.slice(timeAt, timeAt + timestampLength), terms: this.#terms
    }
  }

  #cutAnew (line: string): PinLine | undefined {
    const timeAt = line.length - tailLength
    const guessed = timeAt - this.#end.length
    const cidEnd = line.startsWith(behindCid, guessed) ? guessed : line.lastIndexOf(behindCid)
    const cidAt = line.lastIndexOf('"', cidEnd - 1) + 1
    const nameAt = this.#start !== '' && line.startsWith(this.#start) ? this.#start.length : line.indexOf(nameKey) + nameKey.length
    const hasMiddle = this.#middle !== '' && line.endsWith(this.#middle, cidAt)
    const nameEnd = hasMiddle ? cidAt - this.#middle.length : line.indexOf(behindName, nameAt + 1) + 1
    const [start, middle, end] = [line.slice(0, nameAt), line.slice(nameEnd, cidAt), line.slice(cidEnd, timeAt)]
    if (start !== this.#start || middle !== this.#middle || this.#known.size >= mostTerms) this.#known.clear()
    this.#terms = this.#known.get(end) ?? termsOf(start, middle, end)
    if (this.#terms == null) return undefined
    this.#known.set(end, this.#terms)
    this.#start = start
    this.#middle = middle
    this.#end = end
    this.#cidLength = cidEnd - cidAt
    return {
      cid: line.slice(cidAt, cidEnd), nameJson: line.slice(nameAt, nameEnd), timestamp: line.slice(timeAt, timeAt + timestampLength),
      terms: this.#terms
    }
  }
}

function termsOf (start: string, middle: string, end: string): PinLineTerms | undefined {
  const [ofStart, ofMiddle, ofEnd] = [wholeStart.exec(start), wholeMiddle.exec(middle), wholeEnd.exec(end)]
  if (ofStart == null || ofMiddle == null || ofEnd == null) return undefined
  const [, min, max] = ofStart
  const [, metadataJson = '', originsJson = ''] = ofMiddle
  const [, type, allocationsJson = '', maxDepth] = ofEnd
  return {
    type: type as PinType, replicationFactorMin: Number(min), replicationFactorMax: Number(max), maxDepth: Number(maxDepth),
    allocations: JSON.parse(allocationsJson), allocationsJson, originsJson, metadataJson
  }
}
