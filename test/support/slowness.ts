import { relative, resolve } from 'node:path'
import type { TestEvent } from 'node:test/reporters'

/** Whether an event is of a whole file, which node:test runs as a test that has the file's path as its name. */
export const isOfFile = ({ name, file }: { name: string, file?: string | undefined }): boolean => file != null && resolve(name) === file

interface Entry { name: string, ms: number }

/** Which files and tests of a run took longest. */
export class Slowness {
  readonly #most: number
  readonly #files: Entry[] = []
  readonly #tests: Entry[] = []

  constructor (most: number) { this.#most = most }

  note ({ type, data }: TestEvent): void {
    if (this.#most === 0 || type !== 'test:complete' || data.details.type === 'suite') return
    const file = relative(process.cwd(), data.file ?? '')
    const ms = data.details.duration_ms
    if (isOfFile(data)) this.#files.push({ name: file, ms })
    else this.#tests.push({ name: `${file}: ${data.name}`, ms })
  }

  * lines (): Generator<string> {
    if (this.#most === 0) return
    for (const [title, entries] of [['files', this.#files], ['tests', this.#tests]] as const) {
      yield `\nslowest ${title}:\n`
      for (const { name, ms } of entries.toSorted((a, b) => b.ms - a.ms).slice(0, this.#most)) {
        yield `${(ms / 1000).toFixed(1).padStart(7)} s  ${name}\n`
      }
    }
  }
}
