import type { Clock } from '../../base/clock.ts'
import type { UploadProgress } from './uploads.ts'

/** Steps of one upload come no quicker. */
const stepMs = 250

/** Tells whoever listens how far uploads are; costs next to nothing while nobody does. */
export class ProgressTeller {
  readonly #listeners = new Set<(progress: UploadProgress) => void>()
  readonly #clock: Clock

  constructor ({ clock }: { clock: Clock }) { this.#clock = clock }

  onProgress (listener: (progress: UploadProgress) => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  tell (progress: UploadProgress): void {
    for (const listener of this.#listeners) listener(progress)
  }

  /** For one upload: call it with each piece. */
  steps (what: Omit<UploadProgress, 'bytes'>): (bytes: number) => void {
    let next = 0
    return bytes => {
      if (this.#listeners.size === 0) return
      const now = this.#clock.elapsed()
      if (now < next) return
      next = now + stepMs
      this.tell({ ...what, bytes })
    }
  }
}
