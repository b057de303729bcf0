import type { GlobalPinInfo, TrackerStatus } from '../../src/client/types.ts'
import { parseStatusFilter, trackerStatuses } from '../../src/model/status.ts'
import { cidArgument } from './cid-text.ts'
import type { CommandLine } from './command.ts'
import type { CtlContext } from './context.ts'
import { CommandFailed, exitCodes } from './failure.ts'
import { statusFormat } from './formats.ts'

/** Asks for what the command line says; called again for every look of --watch. */
export type StatusSource = () => AsyncIterable<GlobalPinInfo>

export async function showStatus ({ flags, args }: CommandLine, context: CtlContext): Promise<number> {
  const { client, printer, signal } = context
  const cids = args.map(text => cidArgument(text))
  const filter = filterOf(flags.text('filter'))
  const options = { local: flags.yes('local'), signal }
  const [first] = cids
  const source: StatusSource = () => {
    if (first == null) return client.statuses({ ...options, filter })
    return cids.length > 1 ? client.statusesOf(cids, options) : single(client.status(first, options))
  }
  if (flags.yes('watch')) {
    const { watch } = await import('./watch.ts')
    return await watch(source, { everyMs: Math.max(100, flags.number('interval', 2000)) }, context)
  }
  await printer.each(source(), statusFormat)
  return exitCodes.done
}

async function * single<Item> (item: Promise<Item>): AsyncGenerator<Item, void, undefined> { yield await item }

/** The statuses that a filter stands for; none for all. */
function filterOf (text: string): TrackerStatus[] {
  if (text === '') return []
  try {
    const mask = parseStatusFilter(text)
    return Object.entries(trackerStatuses).filter(([, bit]) => (mask & bit) !== 0).map(([name]) => name as TrackerStatus)
  } catch (err) {
    throw new CommandFailed('error parsing filter flag: invalid filter name', { cause: err })
  }
}

export async function recover ({ flags, args: [text = ''] }: CommandLine, { client, printer, signal }: CtlContext): Promise<number> {
  const local = flags.yes('local')
  if (text !== '') printer.one(await client.recover(cidArgument(text), { local, signal }), statusFormat)
  else await printer.each(client.recoverAll({ local, signal }), statusFormat)
  return exitCodes.done
}
