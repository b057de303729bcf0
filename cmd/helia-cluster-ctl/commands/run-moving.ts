import { ApiError } from '../../../src/client/errors.ts'
import type { LimitOptions } from '../../../src/client/client.ts'
import type { BalanceShare, Drain, Rebalance, RebalancePlan } from '../../../src/client/types.ts'
import { byteSize } from '../../../src/base/text/byte-size.ts'
import type { CommandLine } from '../usage/command.ts'
import type { CtlContext } from '../context.ts'
import { CommandFailed, exitCodes } from '../failure.ts'
import type { FlagValues } from '../usage/flags.ts'
import { bytesText, counted } from '../print/humanize.ts'
import { nameAndId, peerLabels } from '../print/peer-labels.ts'
import type { Format } from '../print/printer.ts'
import { peerNamed } from './run-sync.ts'
import { StatusLine } from '../print/status-line.ts'
import type { Table } from '../print/table.ts'

/** Between two looks of `--wait`. */
const lookMs = 1000

/** `peers drain [PEER]`: begins, ends or shows. */
export async function drainPeer ({ flags, args: [text] }: CommandLine, context: CtlContext): Promise<number> {
  const { client, printer, signal } = context
  refuseTogether(flags, ['status', 'cancel'])
  if (text == null && flags.yes('status')) {
    const drains = await client.drains({ signal })
    await printer.all(drains, drainFormat)
    if (drains.length === 0 && printer.encoding !== 'json') context.terminal.out('the asked peer drains none\n')
    return exitCodes.done
  }
  if (text == null) throw new CommandFailed('error : name the peer: its ID, or the name of a member')
  const peer = await peerNamed(text, context)
  if (flags.yes('cancel')) {
    const { left, moved } = await client.cancelDrain(peer, { signal })
    context.terminal.out(`cancelled: ${counted(moved, 'pin')} ${moved === 1 ? 'has' : 'have'} moved, ${left} ${left === 1 ? 'stays' : 'stay'}\n`)
    return exitCodes.done
  }
  const drain = flags.yes('status') ? await client.drainOf(peer, { signal }) : await client.drain(peer, { ...limitsOf(flags), signal })
  const last = flags.yes('wait')
    ? await waitFor(
      drain,
      {
        again: async () => client.drainOf(peer, { signal }), isOver: ({ state }) => state === 'drained',
        words: drainWords, flags
      },
      context
    )
    : drain
  await printer.all([last], drainFormat)
  return exitCodes.done
}

/** `rebalance`: begins, ends or shows. */
export async function rebalance ({ flags }: CommandLine, context: CtlContext): Promise<number> {
  const { client, printer, signal } = context
  const by = flags.text('by').split(',').map(tag => tag.trim()).filter(tag => tag !== '')
  if (flags.isSet('by') && by.length === 0) throw new CommandFailed('error : --by names no tag')
  refuseTogether(flags, ['dry-run', 'status', 'cancel'])
  const order = { by, equal: flags.yes('equal') }
  if (flags.yes('dry-run')) {
    await showPlan(await client.rebalancePlan({ ...order, signal }), context)
    return exitCodes.done
  }
  const begun = flags.yes('cancel')
    ? await client.cancelRebalance({ signal })
    : flags.yes('status') ? await client.rebalanceStatus({ signal }) : await client.rebalance({ ...order, ...limitsOf(flags), signal })
  const isOver = ({ state }: Rebalance): boolean => state === 'done' || state === 'cancelled'
  const last = flags.yes('wait')
    ? await waitFor(begun, { again: async () => client.rebalanceStatus({ signal }), isOver, words: rebalanceWords, flags }, context)
    : begun
  await printer.all([last], rebalanceFormat)
  return exitCodes.done
}

/** The shares in a table or as lines, then what it comes to. */
async function showPlan (plan: RebalancePlan, { printer, terminal }: CtlContext): Promise<void> {
  if (printer.encoding === 'json') return await printer.all([plan], { text: () => '', json: one => one })
  await printer.all(plan.peers, shareFormat(peerLabels(plan.peers)))
  terminal.out(plan.count === 0 ? 'nothing has to move\n' : `${plan.count} of ${plan.pins} pins would move\n`)
  terminal.out('pins that are on every peer do not move and are not counted\n')
}

interface Waiting<Status> {
  again: () => Promise<Status>, isOver: (status: Status) => boolean, words: (status: Status) => string, flags: FlagValues
}

/**
 * Asks every second until it is over, with a line on the terminal. A peer that begins again meanwhile is waited for. Throws CommandFailed
 * (62) when the time is up.
 */
async function waitFor<Status> (
  first: Status, { again, isOver, words, flags }: Waiting<Status>, context: CtlContext
): Promise<Status> {
  const { clock, terminal, signal } = context
  const line = new StatusLine(terminal)
  const timeoutMs = flags.number('wait-timeout')
  const until = timeoutMs > 0 ? clock.elapsed() + timeoutMs : Infinity
  try {
    let status = first
    while (!isOver(status)) {
      line.show(words(status))
      if (clock.elapsed() > until) throw new CommandFailed(`error waiting: ${words(status)}; the asked peer goes on`, { exitCode: exitCodes.timedOut })
      await clock.sleep(lookMs, signal)
      status = await again().catch(async err => {
        if (!signal.aborted && err instanceof ApiError && await isBeginning(err, context)) return status
        throw err
      })
    }
    return status
  } finally {
    line.clear()
  }
}

/** Whether the peer doesn't answer, or answers and doesn't know yet what was under way. */
async function isBeginning ({ status }: ApiError, { client, signal }: CtlContext): Promise<boolean> {
  if (status !== 404) return status === 0
  try {
    return (await client.readiness({ signal })).problems.includes('starting')
  } catch (err) {
    return err instanceof ApiError && err.status === 0
  }
}

/** Who asks how far it is doesn't mean to end it. */
function refuseTogether (flags: FlagValues, names: readonly string[]): void {
  const given = names.filter(name => flags.yes(name))
  if (given.length > 1) throw new CommandFailed(`error : ${given.map(name => `--${name}`).join(' and ')} do not go together`)
}

function limitsOf (flags: FlagValues): LimitOptions {
  return {
    ...(flags.isSet('max-pins-per-second') ? { maxPinsPerSecond: numberOf(flags.text('max-pins-per-second'), 'max-pins-per-second') } : {}),
    ...(flags.isSet('max-bytes-per-second') ? { maxBytesPerSecond: bytesOf(flags.text('max-bytes-per-second')) } : {}),
    ...(flags.isSet('at-once') ? { atOnce: flags.number('at-once') } : {})
  }
}

function numberOf (text: string, name: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new CommandFailed(`error parsing --${name}: "${text}" is not a number, 0 or more`)
  return Number(text)
}

function bytesOf (text: string): number {
  const bytes = byteSize(text)
  if (bytes == null) throw new CommandFailed(`error parsing --max-bytes-per-second: "${text}" is not a number of bytes such as 20MB`)
  return bytes
}

function timeLeft (ms: number | null): string {
  if (ms == null) return '-'
  const seconds = Math.ceil(ms / 1000)
  return seconds < 120 ? `${seconds} s` : seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`
}

/** Dial errors have a line for each address. */
const inOneLine = (reason: string): string => reason.replaceAll(/\s*\n\s*/g, ' ')

/** Pins that came since it began are more than it began with. */
const leftOf = ({ left, pins, moved }: Drain): string => `${left} of ${Math.max(pins, left + moved)}`

/** One sentence for people. */
function drainWords (drain: Drain): string {
  const { state, moved, fewer, everywhere, stuck, left_ms: leftMs } = drain
  const [peer, reason] = [nameAndId(drain), inOneLine(drain.reason)]
  const less = fewer === 0 ? '' : `; ${fewer} ${fewer === 1 ? 'has' : 'have'} a copy less than before, which nobody could take`
  if (state === 'drained') return `${peer} holds nothing that only it has: it may be stopped (${counted(moved, 'pin')} moved${less})`
  const others = everywhere === 0 ? '' : `; ${everywhere === 1 ? '1 goes everywhere and does' : `${everywhere} go everywhere and do`} not move`
  if (state === 'waiting') return `${peer}: ${leftOf(drain)} pins left, waiting: ${reason}${others}`
  const waits = reason === '' ? '' : `, ${stuck === 0 ? 'some' : stuck} wait: ${reason}`
  return `${peer}: ${leftOf(drain)} pins left${leftMs == null ? '' : `, about ${timeLeft(leftMs)}`}${waits}${others}`
}

const drainTable: Table<Drain> = {
  columns: ['PEER', 'STATE', 'LEFT', 'MOVED', 'UNDER WAY', 'WAIT', 'BYTES', 'TIME LEFT', ''],
  rows: one => [[
    nameAndId(one), one.state, leftOf(one), String(one.moved), String(one.in_transit), String(one.stuck),
    bytesText(one.bytes), one.state === 'drained' ? '-' : timeLeft(one.left_ms),
    one.state === 'drained' ? { text: 'holds nothing that only it has: it may be stopped', style: 'green' } : inOneLine(one.reason)
  ]]
}

const drainFormat: Format<Drain> = { text: one => `${drainWords(one)}\n`, json: one => one, table: drainTable }

function rebalanceWords ({ state, planned, moved, failed, reason: why }: Rebalance): string {
  const reason = inOneLine(why)
  const lost = failed === 0 ? '' : `; ${failed} could not be moved (${reason})`
  if (state === 'planning') return `planning${reason === '' ? '' : `: ${reason}`}`
  const waits = failed > 0 || reason === '' ? '' : `, some wait: ${reason}`
  if (state === 'moving') return `${moved} of ${planned} pins moved${waits}${lost}`
  return `${state}: ${counted(moved, 'pin')} moved${lost}`
}

const rebalanceFormat: Format<Rebalance> = { text: one => `${rebalanceWords(one)}\n`, json: one => one }

type Label = ReturnType<typeof peerLabels>

const shareTable = (label: Label): Table<BalanceShare> => ({
  columns: ['PEER', 'MAY HOLD', 'PINS NOW', 'SHARE', 'PINS THEN'],
  rows: one => [[label(one), one.capacity > 1 ? bytesText(one.capacity) : '-', String(one.pins), String(one.goal), String(one.after)]]
})

const shareFormat = (label: Label): Format<BalanceShare> => ({
  text: one => `${label(one)}: ${counted(one.pins, 'pin')} now, share ${one.goal}, then ${one.after}\n`, json: one => one, table: shareTable(label)
})
