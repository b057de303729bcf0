import type { GlobalPinInfo } from '../../../src/client/types.ts'
import type { CtlContext } from '../context.ts'
import { statusFormat } from '../print/formats.ts'
import type { StatusSource } from './run-status.ts'
import { tableLines } from '../print/table.ts'
import { statusTable } from '../print/tables.ts'

const home = '\u001B[H'
const toEndOfLine = '\u001B[K'
const toEndOfScreen = '\u001B[J'
/** Lines that are too long for the window end at its edge, so that one line stays one row. */
const [withoutWrap, withWrap] = ['\u001B[?7l', '\u001B[?7h']

/**
 * Shows the status again and again until the signal aborts. On a terminal: a screenful that is written over, with the number of pins in
 * each status below. In a pipe: what the command prints, after an empty line, whenever it differs from the last time. Memory is that of a
 * screen, and of a digest.
 */
export async function watch (source: StatusSource, { everyMs }: { everyMs: number }, context: CtlContext): Promise<never> {
  const { terminal, printer, clock, signal } = context
  const onScreen = printer.encoding === 'table' && terminal.outIsTerminal
  let last = ''
  for (let look = 0; ; look++) {
    if (onScreen) terminal.out(await screenOf(source(), look === 0 ? '\u001B[2J' : '', context))
    else last = await printIfNew(source, last, context)
    await clock.sleep(everyMs, signal)
  }
}

async function screenOf (statuses: AsyncIterable<GlobalPinInfo>, clear: string, { printer, terminal }: CtlContext): Promise<string> {
  const counts = new Map<string, number>()
  const room = Math.max(1, terminal.size().rows - 4)
  const lines: string[] = []
  let pins = 0
  for await (const line of tableLines(counted(statuses, counts, () => { pins++ }), statusTable, printer.paint)) {
    if (lines.length < room) lines.push(line.trimEnd())
  }
  const summary = [...counts].toSorted(([, a], [, b]) => b - a).map(([status, count]) => `${count} ${status}`).join(', ')
  return `${clear}${home}${withoutWrap}${[...lines, '', `${pins} pins${summary === '' ? '' : `: ${summary}`}`].map(line => `${line}${toEndOfLine}\n`).join('')}${toEndOfScreen}${withWrap}`
}

async function * counted (
  statuses: AsyncIterable<GlobalPinInfo>, counts: Map<string, number>, onPin: () => void
): AsyncGenerator<GlobalPinInfo, void, undefined> {
  for await (const info of statuses) {
    onPin()
    for (const { status } of Object.values(info.peer_map)) counts.set(status, (counts.get(status) ?? 0) + 1)
    yield info
  }
}

/** Asks twice for what is new, once for the digest and once to print, so that nothing has to be kept. Gives the digest. */
async function printIfNew (source: StatusSource, last: string, { printer, terminal }: CtlContext): Promise<string> {
  const { createHash } = await import('node:crypto')
  const hash = createHash('sha256')
  for await (const info of source()) hash.update(withoutClock(info))
  const digest = hash.digest('hex')
  if (digest === last) return digest
  if (last !== '') terminal.out('\n')
  await printer.each(source(), statusFormat)
  return digest
}

/** Statuses of peers that don't hold a pin are stamped with the time of asking. */
const withoutClock = (info: GlobalPinInfo): string => JSON.stringify(
  [
    info.cid, info.name,
    Object.entries(info.peer_map).map(([peer, { status, error, attempt_count: attempts }]) => [peer, status, error, attempts])
  ]
)
