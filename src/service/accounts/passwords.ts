import { argon2, timingSafeEqual } from 'node:crypto'
import type { Random } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import { Semaphore } from '../../base/semaphore.ts'

/** Hashes that are slow on purpose. */
export interface Passwords {
  /** A text that holds algorithm, parameters, salt and hash. NOT_READY when too many wait. */
  hash (password: string): Promise<string>
  /** False also for a text that is no hash (`unusable`), after the same time. */
  verify (hash: string, password: string): Promise<boolean>
}

/** Stands where no password fits. */
export const unusable = '!'

/** OWASP's second choice, for machines with little memory: 19 MiB, two passes, one lane. */
export interface Argon2Init { memoryKiB: number, passes: number }
/** OWASP's recommendation for Argon2id: 19 MiB, two passes. */
export const usualArgon2: Argon2Init = { memoryKiB: 19_456, passes: 2 }

/** A hash keeps one of Node's four threads busy, which read the disk as well. */
const atOnce = 2
const mostWaiting = 512
const tagBytes = 32
const saltBytes = 16

interface Encoded { memory: number, passes: number, parallelism: number, salt: Buffer, tag: Buffer }

/** Argon2id, in the text form of its reference implementation: `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`. */
export class Argon2Passwords implements Passwords {
  readonly #init: Argon2Init
  readonly #random: Random
  readonly #slots = new Semaphore(atOnce)

  constructor (init: Argon2Init, { random }: { random: Random }) {
    this.#init = init
    this.#random = random
  }

  async hash (password: string): Promise<string> {
    const salt = Buffer.from(this.#random.bytes(saltBytes))
    const { memoryKiB: memory, passes } = this.#init
    const tag = await this.#run(password, { memory, passes, parallelism: 1, salt, tag: Buffer.alloc(tagBytes) })
    return `$argon2id$v=19$m=${memory},t=${passes},p=1$${base64(salt)}$${base64(tag)}`
  }

  async verify (hash: string, password: string): Promise<boolean> {
    const encoded = decoded(hash)
    const wanted = encoded ?? {
      memory: this.#init.memoryKiB, passes: this.#init.passes, parallelism: 1, salt: Buffer.alloc(saltBytes), tag: Buffer.alloc(tagBytes)
    }
    const tag = await this.#run(password, wanted)
    return timingSafeEqual(tag, wanted.tag) && encoded != null
  }

  async #run (password: string, { memory, passes, parallelism, salt, tag }: Encoded): Promise<Buffer> {
    if (this.#slots.waiting >= mostWaiting) {
      throw new ClusterError('NOT_READY', {}, { message: 'too many passwords are being checked: try again later' })
    }
    return this.#slots.run(async () => new Promise<Buffer>((resolve, reject) => {
      argon2(
        'argon2id', { message: password.normalize('NFC'), nonce: salt, memory, passes, parallelism, tagLength: tag.length },
        (err, derived) => err == null ? resolve(derived) : reject(err)
      )
    }))
  }
}

const base64 = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '')

function decoded (hash: string): Encoded | undefined {
  const [
    , memory, passes, parallelism, salt, tag
  ] = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(hash) ?? []
  if (memory == null || salt == null || tag == null) return undefined
  return {
    memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism), salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64')
  }
}
