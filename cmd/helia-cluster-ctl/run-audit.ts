import type { Audit, AuditResult } from '../../src/client/types.ts'
import { cidArgument } from './cid-text.ts'
import type { CommandLine } from './command.ts'
import type { CtlContext } from './context.ts'
import { CommandFailed, exitCodes } from './failure.ts'
import { bytesText } from './humanize.ts'
import type { Format } from './printer.ts'
import { peerNamed } from './run-sync.ts'

const pollMs = 500

/** Begins an audit and waits for its end. */
export async function audit ({ args, flags }: CommandLine, { client, printer, clock, signal }: CtlContext): Promise<number> {
  const sample = sampleOf(flags.text('sample'))
  if (args.length === 0 && sample == null && !flags.yes('all')) throw new CommandFailed('error : name CIDs, or say --all or --sample')
  const peer = flags.text('peer')
  const begun = await client.audit({
    cids: args.map(text => cidArgument(text)), repair: flags.yes('repair'), signal, ...(sample == null ? {} : { sample }),
    ...(peer === '' ? {} : { peer: await peerNamed(peer, { client, signal }) })
  })
  let run: Audit | undefined = begun
  while (run?.state === 'running') {
    await clock.sleep(pollMs, signal)
    run = (await client.audits({ signal })).find(({ id }) => id === begun.id)
  }
  if (run == null) throw new CommandFailed('error : the peer knows nothing of the audit any more: it has been restarted')
  if (run.bad > 0) {
    for await (const result of client.auditResults({ bad: true, signal })) {
      if (result.peer === run.peer && Date.parse(result.at) >= Date.parse(run.since)) printer.one(result, resultFormat)
    }
  }
  printer.one(run, runFormat)
  return run.state === 'done' && run.bad === 0 ? exitCodes.done : exitCodes.failed
}

function sampleOf (text: string): number | undefined {
  if (text === '') return undefined
  const percent = Number(text.replace(/%$/, ''))
  if (percent > 0 && percent <= 100) return percent
  throw new CommandFailed(`error : --sample is a percentage above 0, 100 at most: ${text}`)
}

const what = ({ state, bad_count: bad, repaired, error }: AuditResult): string =>
  state === 'repaired'
    ? `${bad} blocks were missing or damaged, all are back`
    : error !== ''
    ? error
    : `${bad} blocks are missing or damaged${repaired > 0 ? `, ${repaired} of them are back` : ''}`

const resultFormat: Format<AuditResult> = {
  text: result =>
    [`${result.cid}: ${what(result)}`, ...result.bad_blocks.slice(0, 10).map(cid => `  ${cid}`)].map(line => `${line}\n`).join(''),
  json: result => ({ ...result })
}

const runFormat: Format<Audit> = {
  text: ({ state, peer, pins, skipped, blocks, bytes, bad, bad_blocks: badBlocks, repaired_blocks: repaired, error }) =>
    `${state}${error === '' ? '' : ` (${error})`}: ${pins} pins of ${peer}, ${blocks} blocks, ${bytesText(bytes)}; ` +
    (bad === 0 ? 'all of it is there' : `${bad} pins were not whole, ${badBlocks} blocks missing or damaged, ${repaired} fetched again`) +
    `${skipped === 0 ? '' : `; ${skipped} pins are not here yet`}\n`,
  json: run => ({ ...run })
}
