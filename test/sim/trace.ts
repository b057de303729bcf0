/** What happened in a run, as one number: two runs of a seed must agree in it. The lines themselves are kept only on request. */
export class Trace {
  readonly #now: () => number
  readonly #print: ((line: string) => void) | undefined
  #hash = 0x811c9dc5
  events = 0

  constructor (now: () => number, print?: (line: string) => void) {
    this.#now = now
    this.#print = print
  }

  note (what: string): void {
    const line = `${(this.#now() / 1000).toFixed(3)} ${what}`
    this.events++
    for (let at = 0; at < line.length; at++) this.#hash = Math.imul(this.#hash ^ line.charCodeAt(at), 0x01000193)
    this.#print?.(line)
  }

  /** FNV-1a of all lines, eight hexadecimal digits. */
  get hash (): string { return (this.#hash >>> 0).toString(16).padStart(8, '0') }
}
