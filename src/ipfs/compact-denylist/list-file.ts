import { createReadStream } from 'node:fs'
import { LineCutter } from '../../base/text/line-cutter.ts'
import { ClusterError, messageOf } from '../../base/errors.ts'
import { hashFunction } from '../../hash/multihash.ts'
import type { HashFunction } from '../../hash/multihash.ts'
import { parseRuleLine, reasonOf } from './rule-line.ts'
import type { Hints, Rule } from './rule-line.ts'
import { Rules } from './rules.ts'

/** A list that was read. `faults`: lines that deny nothing because they can't be read, the first of them with their reasons. */
export interface ReadList { rules: Rules, faults: { count: number, first: Array<{ line: number, reason: string }> } }

/** As the format's specification has them. Characters. */
const maxLineLength = 2 * 2 ** 20
const maxHeaderLength = 2 ** 20
const faultsTold = 10
/** Read at a time, so that a list of half a million rules leaves others their turn. */
const chunkBytes = 64 * 1024

/**
 * Reads a compact denylist (IPIP-383). Lines that can't be read are told and left out. Rejects with INVALID_DATA when the file as a whole
 * is no list: a header that isn't YAML or of another version, or more lines that can't be read than rules; with the system's error when it
 * can't be read. Another turn of the event loop comes every few thousand lines.
 */
export async function readList (file: string, { signal }: { signal?: AbortSignal } = {}): Promise<ReadList> {
  const reading = new Reading()
  for await (const lines of linesOf(file, signal)) {
    for (const line of lines) await reading.take(line)
  }
  return reading.end()
}

/** `undefined` stands for a line that is longer than any may be. */
async function * linesOf (file: string, signal: AbortSignal | undefined): AsyncGenerator<Array<string | undefined>> {
  const cutter = new LineCutter()
  const decoder = new TextDecoder()
  let isTooLong = false
  const cut = (text: string): Array<string | undefined> => {
    const lines: Array<string | undefined> = cutter.push(text)
    if (isTooLong && lines.length > 0) {
      lines[0] = undefined
      isTooLong = false
    }
    if (cutter.heldLength > maxLineLength) {
      cutter.end()
      isTooLong = true
    }
    return lines
  }
  for await (const chunk of createReadStream(file, { highWaterMark: chunkBytes, ...(signal == null ? {} : { signal }) })) {
    yield cut(decoder.decode(chunk, { stream: true }))
  }
  yield cut(decoder.decode())
  const rest = cutter.end()
  yield isTooLong ? [undefined] : rest === '' ? [] : [rest]
}

class Reading {
  readonly #rules = new Rules()
  readonly #functions = new Map<number, HashFunction | undefined>()
  readonly #faults: ReadList['faults'] = { count: 0, first: [] }
  /** Lines that are the header if `---` follows; undefined: that has been decided. */
  #held: Array<string | undefined> | undefined = []
  #heldLength = 0
  #hints: Hints = {}
  #line = 0

  /** Returns a promise only where there is something to wait for. */
  take (line: string | undefined): Promise<void> | undefined {
    if (this.#held == null) return this.#takeRule(line)
    if (line?.trimEnd() === '---') return this.#endHeader(this.#held)
    this.#held.push(line)
    this.#heldLength += (line?.length ?? maxLineLength) + 1
    return this.#heldLength > maxHeaderLength ? this.#noHeader(this.#held) : undefined
  }

  async end (): Promise<ReadList> {
    if (this.#held != null) await this.#noHeader(this.#held)
    if (this.#faults.count > this.#rules.count) {
      throw invalid(
        `${this.#faults.count} of its lines can't be read, more than are rules: ${this.#faults.first.map(({ line, reason }) => `line ${line}: ${reason}`)[0]}`
      )
    }
    await this.#rules.finish()
    return { rules: this.#rules, faults: this.#faults }
  }

  async #endHeader (lines: ReadonlyArray<string | undefined>): Promise<void> {
    this.#held = undefined
    this.#line = lines.length + 1
    this.#hints = await hintsOf(lines.join('\n'))
  }

  async #noHeader (lines: ReadonlyArray<string | undefined>): Promise<void> {
    this.#held = undefined
    for (const line of lines) await this.#takeRule(line)
  }

  #takeRule (line: string | undefined): Promise<void> | undefined {
    const at = ++this.#line
    try {
      if (line == null || line.length > maxLineLength) throw invalid('the line is too long')
      const rule = parseRuleLine(line, this.#hints)
      if (rule == null) return undefined
      const codes = rule.cover.kind === 'double' ? rule.cover.hashes.map(({ code }) => code) : []
      if (codes.some(code => !this.#functions.has(code))) return this.#load(codes).then(() => this.#add(rule, at, codes))
      this.#add(rule, at, codes)
    } catch (err) {
      this.#fault(at, err)
    }
    return undefined
  }

  #add (rule: Rule, at: number, codes: readonly number[]): void {
    const functions = codes.map(code => this.#functions.get(code)).filter(one => one != null)
    if (functions.length < codes.length) this.#fault(at, invalid('its hash function is not known here'))
    else if (!this.#rules.add(rule, at, functions)) this.#fault(at, invalid('there are too many rules of this kind'))
  }

  async #load (codes: readonly number[]): Promise<void> {
    for (const code of codes) this.#functions.set(code, await hashFunction(code).catch(() => undefined))
  }

  #fault (line: number, err: unknown): void {
    if (this.#faults.count++ < faultsTold) this.#faults.first.push({ line, reason: reasonOf(err) })
  }
}

/** The hints that hold for all rules of a list. */
async function hintsOf (header: string): Promise<Hints> {
  const { parseHeader } = await import('./yaml-header.ts')
  let fields: unknown
  try {
    fields = parseHeader(header)
  } catch (err) {
    throw invalid(`its header is not YAML: ${messageOf(err).split('\n')[0]}`)
  }
  if (typeof fields !== 'object' || Array.isArray(fields)) throw invalid('its header is not a list of fields')
  const { version = 1, hints } = fields as { version?: unknown, hints?: unknown }
  // Go takes a version that is 0 for none
  if (version !== 1 && version !== 0) throw invalid(`its version is ${String(version).slice(0, 20)}: only version 1 can be read`)
  return typeof hints !== 'object' || hints == null
    ? {}
    : Object.fromEntries(Object.entries(hints).map(([key, value]) => [key, String(value)]))
}

const invalid = (message: string): ClusterError => new ClusterError('INVALID_DATA', {}, { message })
