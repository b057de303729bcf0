import type { Clock } from '../../src/base/clock.ts'
import type { ClusterClient } from '../../src/client/client.ts'
import type { Command } from './usage/command.ts'
import type { Printer } from './print/printer.ts'
import type { CtlTerminal } from './terminal.ts'

/** What commands get. */
export interface CtlContext {
  /** How the program was called. */
  program: string
  /** All there are. */
  commands: readonly Command[]
  client: ClusterClient
  printer: Printer
  terminal: CtlTerminal
  clock: Clock
  /** Aborted when the program is interrupted. */
  signal: AbortSignal
}
