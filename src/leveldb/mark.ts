import { closeSync, existsSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { sizesIn } from './store-files.ts'
import type { Expected, Fault } from './store-files.ts'

const markFile = 'synced'
const sealFile = 'sealed'
const suspectFile = 'suspect'
const checkingFile = 'checking'
const markBytes = 12

/**
 * What is kept beside LevelDB's files so that a store can be told from one that lost something.
 *
 * - `synced`: the number of the last synced change, written over in place after each sync and not synced itself. It can be too low after a
 *   power loss, never too high; so a log that ends above it was torn by the power loss, and one that ends below it is damaged.
 * - `sealed`: after a clean stop, the sizes of all files.
 * - `checking`: tables are being read while the store is in use. After a clean stop it means nothing.
 * - `suspect`: damage that a running peer found; the next start has to deal with it.
 */
export class StoreMark {
  readonly #folder: string
  readonly #buffer = Buffer.alloc(markBytes)
  #fd: number | undefined
  #sequence = 0

  constructor (folder: string) { this.#folder = folder }

  /** Before the store is opened: what is to be expected of it. */
  expected (): Expected & { suspected: Fault[], isUnchecked: boolean } {
    const sizes = this.#seal()
    return {
      sequence: this.#storedSequence(), ...(sizes == null ? {} : { sizes }), suspected: this.#suspected(),
      isUnchecked: sizes == null && existsSync(join(this.#folder, checkingFile))
    }
  }

  /** Before the store is opened. `sequence`: the number of its last change. */
  begin (sequence: number): void {
    rmSync(join(this.#folder, sealFile), { force: true })
    this.#sequence = sequence
    this.#fd = openSync(join(this.#folder, markFile), 'a+', 0o600)
    closeSync(this.#fd)
    this.#fd = openSync(join(this.#folder, markFile), 'r+')
    this.#write()
  }

  /** So many changes were written; `synced`: they and all before them are on the disk. */
  written (changes: number, synced: boolean): void {
    this.#sequence += changes
    if (synced) this.#write()
  }

  /** After the store was closed, with everything synced. */
  async seal (): Promise<void> {
    this.end()
    const text = JSON.stringify({ sizes: Object.fromEntries(sizesIn(this.#folder)) })
    await writeFile(join(this.#folder, sealFile), `${text}\n${crc32(text)}\n`, { flush: true, mode: 0o600 })
  }

  end (): void {
    if (this.#fd != null) closeSync(this.#fd)
    this.#fd = undefined
  }

  checkBegins (): void { closeSync(openSync(join(this.#folder, checkingFile), 'a', 0o600)) }
  checkEnded (): void { rmSync(join(this.#folder, checkingFile), { force: true }) }

  /** The next start is to deal with these. */
  async suspect (faults: readonly Fault[]): Promise<void> {
    await writeFile(join(this.#folder, suspectFile), JSON.stringify(faults), { flush: true, mode: 0o600 })
  }

  #write (): void {
    if (this.#fd == null) return
    this.#buffer.writeBigUInt64LE(BigInt(this.#sequence), 0)
    this.#buffer.writeUInt32LE(crc32(this.#buffer.subarray(0, 8)), 8)
    writeSync(this.#fd, this.#buffer, 0, markBytes, 0)
  }

  /** 0 when the mark isn't there or is damaged itself: then nothing is known. */
  #storedSequence (): number {
    let mark: Buffer
    try { mark = readFileSync(join(this.#folder, markFile)) } catch { return 0 }
    if (mark.length !== markBytes || crc32(mark.subarray(0, 8)) !== mark.readUInt32LE(8)) return 0
    return Number(mark.readBigUInt64LE(0))
  }

  #seal (): ReadonlyMap<string, number> | undefined {
    const lines = (this.#text(sealFile) ?? '').split('\n')
    const [text = '', checksum] = lines
    if (lines.length !== 3 || String(crc32(text)) !== checksum) return undefined
    const { sizes } = JSON.parse(text) as { sizes: Record<string, number> }
    return new Map(Object.entries(sizes))
  }

  #suspected (): Fault[] {
    const text = this.#text(suspectFile)
    if (text == null) return []
    try {
      return JSON.parse(text) as Fault[]
    } catch {
      return [{ file: suspectFile, what: 'is not readable; damage had been found' }]
    }
  }

  #text (name: string): string | undefined {
    try { return readFileSync(join(this.#folder, name), 'utf8') } catch { return undefined }
  }
}
