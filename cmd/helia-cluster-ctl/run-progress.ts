import type { PinProgress } from '../../src/client/types.ts'
import { cidArgument } from './cid-text.ts'
import type { CommandLine } from './command.ts'
import type { CtlContext } from './context.ts'
import { exitCodes } from './failure.ts'
import { bytesText } from './humanize.ts'
import type { Format } from './printer.ts'
import type { Table } from './table.ts'

export async function pinProgress ({ args: [text = ''] }: CommandLine, { client, printer, signal }: CtlContext): Promise<number> {
  await printer.all(await client.progress(cidArgument(text), { signal }), progressFormat)
  return exitCodes.done
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
