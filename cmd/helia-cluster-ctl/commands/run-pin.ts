import type { Pin, PinOptions, PinProgress, PinType } from '../../../src/client/types.ts'
import { cidArgument, contentPath } from '../cid-text.ts'
import type { CommandLine } from '../usage/command.ts'
import type { CtlContext } from '../context.ts'
import { CommandFailed, doing, exitCodes, isApiError } from '../failure.ts'
import type { FlagValues } from '../usage/flags.ts'
import { pinFormat, statusFormat } from '../print/formats.ts'
import { bytesText } from '../print/humanize.ts'
import { contentLimits, expireAt, metadataOf, peersOf } from './pin-arguments.ts'
import type { Format } from '../print/printer.ts'
import type { Table } from '../print/table.ts'
import { waitFor } from './wait.ts'

/** `pin add CID|PATH`. */
export async function pinAdd ({ flags, args: [content = ''] }: CommandLine, context: CtlContext): Promise<number> {
  const both = flags.number('replication')
  const peers = peersOf(flags)
  if (peers.includes(undefined)) throw new CommandFailed('error decoding allocations: some peer IDs could not be decoded')
  return await pin(content, {
    replicationFactorMin: both === 0 ? flags.number('replication-min') : both,
    replicationFactorMax: both === 0 ? flags.number('replication-max') : both,
    mode: flags.text('mode') === 'direct' ? 'direct' : 'recursive',
    userAllocations: peers as string[],
    ...await nameAndExpiry(flags, context),
    metadata: metadataOf(flags.texts('metadata')),
    ...contentLimits(flags)
  }, { flags, context })
}

/** `pin update FROM TO`: pins with what differs, the old pin stays. */
export async function pinUpdate ({ flags, args: [from = '', to = ''] }: CommandLine, context: CtlContext): Promise<number> {
  const pinUpdate = cidArgument(from, 'parsing from Cid')
  return await pin(to, { pinUpdate, ...await nameAndExpiry(flags, context) }, { flags, context })
}

async function nameAndExpiry (flags: FlagValues, { clock }: CtlContext): Promise<PinOptions> {
  const at = await expireAt(flags, clock.now())
  return { name: flags.text('name'), ...(at == null ? {} : { expireAt: at }) }
}

async function pin (content: string, options: PinOptions, { flags, context }: { flags: FlagValues, context: CtlContext }): Promise<number> {
  const path = await doing('', () => contentPath(content))
  const pinned = await context.client.pin(path, { ...options, signal: context.signal })
  return await showOutcome(pinned, 'pinned', { flags, context })
}

/** `pin rm CID|PATH`. */
export async function pinRemove ({ flags, args: [content = ''] }: CommandLine, context: CtlContext): Promise<number> {
  const path = await doing('', () => contentPath(content))
  const unpinned = await context.client.unpin(path, { signal: context.signal })
  return await showOutcome(unpinned, 'unpinned', { flags, context })
}

/** A peer needs a moment until its status tells of what it was asked for. */
const settleMs = 1000

async function showOutcome (
  pin: Pin, target: 'pinned' | 'unpinned', { flags, context }: { flags: FlagValues, context: CtlContext }
): Promise<number> {
  const { client, printer, clock, signal } = context
  const limit = flags.isSet('wait-limit') ? flags.number('wait-limit') : target === 'pinned' ? pin.replication_factor_min : 0
  const waited = flags.yes('wait') ? await waitFor(pin.cid, { target, limit, timeoutMs: flags.number('wait-timeout') }, context) : undefined
  if (flags.yes('no-status')) {
    printer.one(pin, pinFormat)
    return exitCodes.done
  }
  if (waited == null) await clock.sleep(settleMs, signal)
  printer.one(waited ?? await client.status(pin.cid, { signal }), statusFormat)
  return exitCodes.done
}

const types: readonly PinType[] = ['pin', 'meta-pin', 'clusterdag-pin', 'shard-pin']

/** `pin ls [CID]`. */
export async function pinList ({ flags, args: [text = ''] }: CommandLine, { client, printer, signal }: CtlContext): Promise<number> {
  if (text !== '') {
    printer.one(await client.allocation(cidArgument(text), { signal }), pinFormat)
    return exitCodes.done
  }
  const wanted = flags.text('filter', 'all').split(',')
  const isAll = wanted.some(one => one === 'all' || one === '') || types.every(type => wanted.includes(type))
  await printer.each(client.allocations({ types: isAll ? ['all'] : types.filter(type => wanted.includes(type)), signal }), pinFormat)
  return exitCodes.done
}

/** `pin progress CID`. */
export async function pinProgress ({ args: [text = ''] }: CommandLine, context: CtlContext): Promise<number> {
  const { client, printer, terminal, program, signal } = context
  const cid = cidArgument(text)
  const peers = await client.progress(cid, { signal })
  if (printer.encoding !== 'json' && areIdle(peers) && !await isInPinset(cid, context)) {
    // no error: `status` of such a CID is an answer, too
    terminal.out(`${cid} is not in the pinset: ${program} pin add ${cid} pins it\n`)
    return exitCodes.done
  }
  await printer.all(peers, progressFormat)
  return exitCodes.done
}

/** Nobody has anything to do with it, and somebody was able to say so. */
const areIdle = (peers: readonly PinProgress[]): boolean =>
  peers.every(({ operation, ipfs }) => operation == null && ipfs == null) &&
  peers.some(({ reason = '', error }) => reason === '' && error === '')

async function isInPinset (cid: string, { client, signal }: CtlContext): Promise<boolean> {
  try {
    await client.allocation(cid, { signal })
    return true
  } catch (err) {
    if (isApiError(err) && err.status === 404) return false
    throw err
  }
}

const nameOf = ({ peer, peername }: PinProgress): string => peername === '' ? peer : peername
const reasonOf = ({ reason = '', error }: PinProgress): string => reason !== '' ? reason : error !== '' ? error : 'nothing to do'

const progressTable: Table<PinProgress> = {
  columns: ['PEER', 'PHASE', 'BLOCKS', 'BYTES', 'TRIES', 'WHY'],
  rows: one => [[
    nameOf(one),
    one.operation?.phase === 'queued' || one.operation?.phase === 'error' ? one.operation.phase : one.ipfs?.phase ?? '-',
    one.ipfs == null ? '-' : String(one.ipfs.blocks),
    one.ipfs == null ? '-' : bytesText(one.ipfs.bytes),
    String(one.operation?.attempt_count ?? 0),
    reasonOf(one)
  ]]
}

const progressFormat: Format<PinProgress> = { text: one => `${nameOf(one)}: ${reasonOf(one)}\n`, json: one => one, table: progressTable }
