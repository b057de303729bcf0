import { hash } from 'node:crypto'
import { bytesOfText } from '../../base/text/byte-text.ts'
import type { HashFunction } from '../../hash/multihash.ts'
import { sha256Hash } from '../../model/multicodec.ts'
import { DigestTable } from './digest-table.ts'
import type { Place } from './place.ts'
import type { Cover, Rule } from './rule-line.ts'

/** What a list says of something, and where. `line` counts from 1. */
export interface Verdict { line: number, allows: boolean, isLegal: boolean }

interface PathRule { path: string, isPrefix: boolean, packed: number }

/** Rules whose text has to be kept: those for the beginning of a path, and for paths behind any root. */
const maxTexts = 100_000
const maxLine = 2 ** 30 - 1

const sha = (text: string): Uint8Array => hash('sha256', text.isWellFormed() ? text : bytesOfText(text), 'buffer')
/** A root by itself or one path behind it, and everything below a root, as keys. No double-hashed text begins so. */
const exactKey = (id: string, path: string): Uint8Array => sha(`\u0000=${id}\u0000${path}`)
const belowKey = (id: string): Uint8Array => sha(`\u0000*${id}`)

/**
 * The rules of one list. What rules name whole is kept as a digest of 16 bytes; only beginnings of paths keep their text. Of several plain
 * rules the last one in the file wins, and plain rules win over double-hashed ones.
 */
export class Rules {
  readonly #table = new DigestTable()
  readonly #prefixes = new Map<string, PathRule[]>()
  readonly #subpaths: PathRule[] = []
  readonly #functions = new Map<number, HashFunction>()
  #count = 0
  #texts = 0
  #hasPlain = false
  #hasDouble = false

  /** Of those that deny or allow something. */
  get count (): number { return this.#count }
  get sizeBytes (): number { return this.#table.sizeBytes }

  /**
   * `functions`: how the digests of a double-hashed rule are made, for those that aren't sha2-256. False: there is no room for another rule
   * of this kind.
   */
  add ({ cover, allows, isLegal }: Rule, line: number, functions: readonly HashFunction[] = []): boolean {
    if (cover.kind === 'nothing') return true
    if (line > maxLine) return false
    const packed = line * 4 + (allows ? 1 : 0) + (isLegal ? 2 : 0)
    if (cover.kind === 'double') {
      this.#hasDouble = true
      for (const { digest } of cover.hashes) this.#table.set(digest, packed)
      for (const one of functions) this.#functions.set(one.code, one)
    } else if (!this.#addPlain(cover, packed)) {
      return false
    }
    this.#count++
    return true
  }

  #addPlain (cover: Exclude<Cover, { kind: 'double' | 'nothing' }>, packed: number): boolean {
    const { path, isPrefix } = cover
    if (cover.kind === 'place') {
      this.#hasPlain = true
      if (!isPrefix || path === '') {
        this.#table.set(isPrefix ? belowKey(cover.id) : exactKey(cover.id, path), packed)
        return true
      }
    }
    if (this.#texts++ >= maxTexts) return false
    if (cover.kind === 'subpath') this.#subpaths.push({ path, isPrefix, packed })
    else this.#prefixesOf(cover.id).push({ path, isPrefix, packed })
    return true
  }

  #prefixesOf (id: string): PathRule[] {
    const known = this.#prefixes.get(id)
    if (known != null) return known
    const rules: PathRule[] = []
    this.#prefixes.set(id, rules)
    return rules
  }

  /** Nothing more is added. */
  async finish (): Promise<void> { await this.#table.finish() }

  /** The word on a root (`path` is empty) or on a path behind it, without slashes at its ends. Undefined: there is none. */
  on (place: Place, path: string): Verdict | undefined {
    const packed = this.#plain(place, path) || this.#legacy(place, path) || this.#modern(place, path)
    return packed === 0 ? undefined : unpacked(packed)
  }

  /** The word on a path behind whatever root. */
  onSubpath (path: string): Verdict | undefined {
    if (this.#subpaths.length === 0 || path === '') return undefined
    const packed = lastOf(this.#subpaths, path)
    return packed === 0 ? undefined : unpacked(packed)
  }

  #plain ({ id }: Place, path: string): number {
    if (!this.#hasPlain) return 0
    const prefixes = this.#prefixes.size === 0 ? undefined : this.#prefixes.get(id)
    // the line is in the higher bits: the greatest is the last
    return Math.max(this.#table.get(exactKey(id, path)), this.#table.get(belowKey(id)), prefixes == null ? 0 : lastOf(prefixes, path))
  }

  #legacy ({ legacy }: Place, path: string): number {
    for (const root of this.#hasDouble ? legacy() : []) {
      const packed = this.#table.get(sha(`${root}/${path}`))
      if (packed !== 0) return packed
    }
    return 0
  }

  #modern ({ modern }: Place, path: string): number {
    if (!this.#hasDouble) return 0
    const text = path === '' ? modern() : `${modern()}/${path}`
    const packed = this.#table.get(sha(text))
    if (packed !== 0 || this.#functions.size === 0) return packed
    for (const { code, digest } of this.#functions.values()) {
      const found = code === sha256Hash ? 0 : this.#table.get(digest(bytesOfText(text)))
      if (found !== 0) return found
    }
    return 0
  }
}

function lastOf (rules: readonly PathRule[], path: string): number {
  let last = 0
  for (const rule of rules) if (rule.packed > last && (rule.isPrefix ? path.startsWith(rule.path) : path === rule.path)) last = rule.packed
  return last
}

const unpacked = (packed: number): Verdict => ({ line: Math.floor(packed / 4), allows: (packed & 1) === 1, isLegal: (packed & 2) === 2 })
