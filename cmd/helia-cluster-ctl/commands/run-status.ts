import type { GlobalPinInfo, TrackerStatus } from '../../../src/client/types.ts'
import { parseStatusFilter, trackerStatuses } from '../../../src/model/status.ts'
import { cidArgument } from '../cid-text.ts'
import type { CommandLine } from '../usage/command.ts'
import type { CtlContext } from '../context.ts'
import { CommandFailed, exitCodes } from '../failure.ts'
import { statusFormat } from '../print/formats.ts'

/** Asks for what the command line says; called again for every look of --watch. */
export type StatusSource = () => AsyncIterable<GlobalPinInfo>

/** `status [CID…]`. */
export async function showStatus ({ flags, args }: CommandLine, context: CtlContext): Promise<number> {
  const { client, printer, signal } = context
  const cids = args.map(text => cidArgument(text))
  const [first] = cids
  // Go doesn't look at it either when pins are named
  const filter = first == null ? filterOf(flags.text('filter')) : []
  const isForEyes = printer.encoding === 'table'
  const options = { local: flags.yes('local'), signal }
  const source: StatusSource = () => {
    if (first == null) return client.statuses({ ...options, filter, missing: isForEyes && !options.local })
    return cids.length > 1 ? client.statusesOf(cids, options) : single(client.status(first, options))
  }
  if (flags.yes('watch')) {
    const { watch } = await import('./watch.ts')
    return await watch(source, { everyMs: Math.max(100, flags.number('interval', 2000)) }, context)
  }
  await (isForEyes ? explained(source(), noneText(filter), context) : printer.each(source(), statusFormat))
  return exitCodes.done
}

/** Rows that say why pins wait, and a line with the sum. */
async function explained (statuses: AsyncIterable<GlobalPinInfo>, none: string, context: CtlContext): Promise<void> {
  const { StatusSum, withReasons } = await import('../print/status-sum.ts')
  const sum = new StatusSum()
  await context.printer.each(sum.count(withReasons(statuses, context)), statusFormat)
  const text = sum.text(none)
  if (text !== '') context.terminal.out(text === none ? `${text}\n` : `\n${text}\n`)
}

/** What it means that a list is empty. */
const noneText = (filter: readonly string[]): string =>
  filter.length === 0 ? 'no pins' : filter.join(',') === underReplicated ? 'no pin is on fewer peers than it shall be' : 'no pin has such a status'

async function * single<Item> (item: Promise<Item>): AsyncGenerator<Item, void, undefined> { yield await item }

/** Ours: not a status of a peer. */
const underReplicated = 'under_replicated'

/** The statuses that a filter stands for; none for all. */
function filterOf (text: string): Array<TrackerStatus | typeof underReplicated> {
  if (text === '') return []
  const names = text.replaceAll(' ', '').split(',')
  const others = names.filter(name => name !== underReplicated)
  const ours = others.length < names.length ? [underReplicated] as const : []
  if (others.length === 0) return [...ours]
  return [...statusesOf(others.join(',')), ...ours]
}

function statusesOf (text: string): TrackerStatus[] {
  try {
    const mask = parseStatusFilter(text)
    return Object.entries(trackerStatuses).filter(([, bit]) => (mask & bit) !== 0).map(([name]) => name as TrackerStatus)
  } catch (err) {
    throw new CommandFailed('error parsing filter flag: invalid filter name', { cause: err })
  }
}

/** `recover [CID]`. */
export async function recover ({ flags, args: [text = ''] }: CommandLine, { client, printer, signal }: CtlContext): Promise<number> {
  const local = flags.yes('local')
  if (text !== '') printer.one(await client.recover(cidArgument(text), { local, signal }), statusFormat)
  else await printer.each(client.recoverAll({ local, signal }), statusFormat)
  return exitCodes.done
}
