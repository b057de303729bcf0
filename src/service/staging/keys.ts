import { ClusterError, invalidArgument } from '../../base/errors.ts'
import { stagingKey } from './staging.ts'

/** The key itself. Throws INVALID_ARGUMENT for what could not be the name of something staged, such as a path. */
export function checkedKey (key: string): string {
  if (!stagingKey.test(key)) {
    throw invalidArgument('this is not a key of the staging area', { key: key.slice(0, 200) })
  }
  return key
}

/** What whoever reads or appends to an object that isn't there gets: NOT_FOUND. */
export const noSuchObject = (key: string): ClusterError =>
  new ClusterError('NOT_FOUND', { key }, { message: 'there is no such staged object' })

/** Who appends to which key: one at a time. */
export class Appending {
  readonly #keys = new Set<string>()

  /** Throws CONFLICT while somebody else appends to the key. Call the result at the end. */
  begin (key: string): () => void {
    if (this.#keys.has(key)) throw new ClusterError('CONFLICT', { key }, { message: 'the object is being written to' })
    this.#keys.add(key)
    return () => { this.#keys.delete(key) }
  }
}
