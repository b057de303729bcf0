import type { ConsoleMessage, Page } from 'playwright-core'

/** What goes wrong in pages while nobody looks: errors, and what their policy has refused. */
export class PageFaults {
  readonly #found: string[] = []
  readonly #expected: RegExp[] = []

  watch (page: Page): void {
    page.on('pageerror', err => this.#note(`${page.url()}: ${err.stack || `${err.name} ${err.message}` || "an error without a text"}`))
    page.on('console', message => {
      if (message.type() === 'error') this.#note(`${page.url()}: ${message.text() || 'an error without a text'} ${placeOf(message)}`)
    })
  }

  expect (pattern: RegExp): void { this.#expected.push(pattern) }

  throwIfAny (): void {
    const unexpected = this.#found.filter(text => !this.#expected.some(pattern => pattern.test(text)))
    if (unexpected.length > 0) throw new Error(`pages had errors:\n${[...new Set(unexpected)].slice(0, 20).join('\n')}`)
  }

  #note (text: string): void { this.#found.push(text) }
}

const placeOf = (message: ConsoleMessage): string => message.location().url
