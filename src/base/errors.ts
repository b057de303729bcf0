/**
 * Every error that the project throws on purpose has one of these codes. The sentence is the default message; who throws may give a
 * better one. HTTP statuses are not here: each API's dialect maps codes to its own statuses and bodies.
 */
export const errorCodes = {
  INVALID_ARGUMENT: 'the request is not valid',
  INVALID_CID: 'the CID is not valid',
  INVALID_CONFIG: 'the configuration is not valid',
  INVALID_DATA: 'the stored or received bytes are not valid',
  NOT_FOUND: 'there is no such item',
  NOT_PINNED: 'pin is not part of the pinset',
  PIN_REFUSED: 'the pin is refused',
  PIN_TOO_LARGE: 'the pin is larger than a delta may be',
  NOT_ENOUGH_PEERS: 'not enough peers to allocate CID',
  FOLLOWER_MODE: 'this peer is configured to be in follower mode. Write operations are disabled',
  QUEUE_FULL: 'the queue is full',
  STORAGE_FULL: 'the storage is full',
  IPFS_ERROR: 'the IPFS node reports an error',
  IPFS_UNAVAILABLE: 'the IPFS node does not answer',
  BLOCK_MISSING: 'the block is not here',
  NO_PROVIDER: 'nobody who has the content could be found',
  PEER_IN_USE: 'the peer still holds pins',
  PEER_UNREACHABLE: 'the peer does not answer',
  PEER_FAILED: 'the other peer reports an error',
  NOT_AUTHORIZED: 'the caller may not do this',
  UNAUTHENTICATED: 'the credentials are missing or not valid',
  RATE_LIMITED: 'too many requests',
  QUOTA_EXCEEDED: 'the account is full',
  CONFLICT: 'this is in conflict with what is there',
  REJECTED: 'the request is well-formed, but can not be carried out',
  TOO_LARGE: 'the body is larger than is allowed',
  DENIED: 'the content is denied on this peer',
  CONTENT_TOO_LARGE: 'the content is larger than its pin allows',
  UNSUPPORTED: 'this is not supported here',
  LOCKED: 'another process holds the lock',
  NOT_READY: 'the component is not ready',
  TIMEOUT: 'the time is up',
  INTERNAL: 'an unexpected fault'
} as const

/** What tests, dialects and callers go by; the texts in the catalogue are for people. */
export type ErrorCode = keyof typeof errorCodes
/** What belongs to this one error, for logs and programs: JSON's plain values. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean | null>>

export interface ClusterErrorOptions extends ErrorOptions {
  /** Replaces the catalogue's sentence. */
  message?: string
}

/** The one error class. Tests and callers look at `code`; `details` holds plain facts; the message is for people. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError'
  readonly code: ErrorCode
  readonly details: ErrorFacts

  constructor (code: ErrorCode, details: ErrorFacts = {}, options: ClusterErrorOptions = {}) {
    super(options.message ?? errorCodes[code], options)
    this.code = code
    this.details = details
  }
}

/** INVALID_ARGUMENT in these words: what was asked for makes no sense. `details`: what it was about. */
export const invalidArgument = (message: string, details: ErrorFacts = {}): ClusterError =>
  new ClusterError('INVALID_ARGUMENT', details, { message })

/** True for a `ClusterError` with this code (any code when none is given). */
export function isClusterError (err: unknown, code?: ErrorCode): err is ClusterError {
  return err instanceof ClusterError && (code == null || err.code === code)
}

/** The text of anything that was thrown. A stack that was too small says what it was too small for. */
export function messageOf (err: unknown): string {
  if (err instanceof RangeError && err.message === 'Maximum call stack size exceeded') return 'it is nested too deeply'
  return err instanceof Error ? err.message : String(err)
}

const faults = [TypeError, RangeError, ReferenceError, SyntaxError]

/** True for what programs don't throw on purpose: a bug of ours, or of a library that met input it didn't expect. */
export const isFault = (err: unknown): boolean => faults.some(fault => err instanceof fault)

/** True for what the machine says: a file that isn't there, a full disk, a port that is taken. Its message is for people. */
export const isSystemError = (err: unknown): boolean => err instanceof Error && typeof (err as NodeJS.ErrnoException).syscall === 'string'

const longestAnswer = 16 * 1024

/** The text of an error for whoever asked: nothing of our own insides, and not without end. A fault belongs in the log, with its stack. */
export function answerText (err: unknown): string {
  return isFault(err) ? errorCodes.INTERNAL : messageOf(err).slice(0, longestAnswer)
}
