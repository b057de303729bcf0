import type { Clock } from '../../base/clock.ts'
import { Listeners } from '../../base/listeners.ts'
import type { UploadProgress } from './uploads.ts'

/** Steps of one upload come no quicker. */
const stepMs = 250

/** Tells whoever listens how far uploads are; costs next to nothing while nobody does. */
export class ProgressTeller {
  readonly #listeners = new Listeners<UploadProgress>()
  readonly #clock: Clock

  constructor ({ clock }: { clock: Clock }) { this.#clock = clock }

  onProgress (listener: (progress: UploadProgress) => void): () => void {
    return this.#listeners.add(listener)
  }

  tell (progress: UploadProgress): void {
    this.#listeners.emit(progress)
  }

  /** For one upload: call it with each piece. */
  steps (what: Omit<UploadProgress, 'bytes'>): (bytes: number) => void {
    let next = 0
    return bytes => {
      if (this.#listeners.isEmpty) return
      const now = this.#clock.elapsed()
      if (now < next) return
      next = now + stepMs
      this.tell({ ...what, bytes })
    }
  }
}
