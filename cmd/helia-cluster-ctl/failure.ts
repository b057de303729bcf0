import { messageOf } from '../../src/base/errors.ts'
import { ApiError } from '../../src/client/errors.ts'

/** Exit codes that scripts know. */
export const exitCodes = { done: 0, failed: 1, refused: 2, noSuchCommand: 3, timedOut: 62, cancelled: 125, interrupted: 130 } as const

/** A command that ends with a line on stderr. */
export class CommandFailed extends Error {
  readonly exitCode: number

  constructor (message: string, options: ErrorOptions & { exitCode?: number } = {}) {
    super(message, options)
    this.exitCode = options.exitCode ?? exitCodes.failed
  }
}

/** Runs a step; what goes wrong becomes `error <what>: <why>` on stderr. */
export async function doing<Result> (what: string, step: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await step()
  } catch (err) {
    throw failed(what, err)
  }
}

/** A failure with what was tried before it. */
export const failed = (what: string, why: unknown): CommandFailed => new CommandFailed(`error ${what}: ${messageOf(why)}`, { cause: why })

/** Whether the peer answered, and said no. */
export const isApiError = (err: unknown): err is ApiError => err instanceof ApiError
