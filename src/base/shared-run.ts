/**
 * Work that many ask for at the same time: each caller gets a run that began after its call, and callers that wait for the same run share
 * it.
 */
export class SharedRun {
  readonly #work: () => Promise<void>
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor (work: () => Promise<void>) { this.#work = work }

  /** Resolves when a run that begins from now on has ended; rejects as that run does. */
  async run (): Promise<void> {
    if (this.#running == null) return await this.#begin()
    this.#next ??= this.#running.catch(() => {}).then(async () => {
      this.#next = undefined
      await this.#begin()
    })
    await this.#next
  }

  /** Resolves when nothing runs or waits. Never rejects. */
  async idle (): Promise<void> {
    await this.#next?.catch(() => {})
    await this.#running?.catch(() => {})
  }

  async #begin (): Promise<void> {
    const running = this.#running = this.#work().finally(() => { if (this.#running === running) this.#running = undefined })
    await running
  }
}
