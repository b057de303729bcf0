import type { Audit, AuditResult } from '../../../src/client/types.ts'
import { cidArgument } from '../cid-text.ts'
import type { CommandLine } from '../usage/command.ts'
import type { CtlContext } from '../context.ts'
import { CommandFailed, exitCodes } from '../failure.ts'
import { bytesText, counted } from '../print/humanize.ts'
import type { Format } from '../print/printer.ts'
import { StatusLine } from '../print/status-line.ts'
import { peerNamed } from './run-sync.ts'

const pollMs = 500

/** Begins an audit and waits for its end; or shows or ends the one under way. */
export async function audit (line: CommandLine, context: CtlContext): Promise<number> {
  const { args, flags } = line
  const { client, printer, signal } = context
  const isOrder = args.length > 0 || ['all', 'sample', 'peer', 'repair'].some(name => flags.isSet(name))
  if (flags.yes('status')) {
    if (isOrder || flags.yes('cancel')) throw new CommandFailed('error : --status begins no audit: it goes with nothing else')
    return await showFound(context)
  }
  if (flags.yes('cancel')) {
    if (isOrder) throw new CommandFailed('error : --cancel ends the audit under way, whichever it is: it goes with nothing else')
    printer.one(await endOf(await client.cancelAudit({ signal }), context), runFormat)
    return exitCodes.done
  }
  const sample = sampleOf(flags.text('sample'))
  if ([args.length > 0, sample != null, flags.yes('all')].filter(Boolean).length !== 1) {
    throw new CommandFailed('error : name CIDs, or say --all or --sample: one of the three')
  }
  const peer = flags.text('peer')
  const begun = await client.audit({
    cids: args.map(text => cidArgument(text)), repair: flags.yes('repair'), signal, ...(sample == null ? {} : { sample }),
    ...(peer === '' ? {} : { peer: await peerNamed(peer, { client, signal }) })
  })
  const run = await endOf(begun, context)
  if (run.bad > 0) await showBad(run, context)
  printer.one(run, runFormat)
  return run.state === 'done' && run.bad === 0 && !isOfNothing(run) ? exitCodes.done : exitCodes.failed
}

/** Prints the pins that weren't whole. */
async function showBad (run: Audit, { client, printer, signal }: CtlContext): Promise<void> {
  for await (const result of client.auditResults({ bad: true, signal })) {
    if (result.peer === run.peer && Date.parse(result.at) >= Date.parse(run.since)) printer.one(result, resultFormat)
  }
}

/** What audits found lately, and how the latest one goes. Ends with 1 when a pin isn't whole. */
async function showFound ({ client, printer, terminal, signal }: CtlContext): Promise<number> {
  let isWhole = true
  for await (const result of client.auditResults({ bad: true, signal })) {
    if (result.state !== 'repaired') isWhole = false
    printer.one(result, foundFormat)
  }
  const [latest] = await client.audits({ signal })
  if (latest != null) printer.one(latest, runFormat)
  else if (printer.encoding !== 'json') terminal.out('no audit since the asked peer was started\n')
  return isWhole ? exitCodes.done : exitCodes.failed
}

/** With a line on the terminal that says how far it is. */
async function endOf (begun: Audit, { client, clock, terminal, signal }: CtlContext): Promise<Audit> {
  const line = new StatusLine(terminal)
  try {
    let run: Audit | undefined = begun
    while (run?.state === 'running') {
      line.show(`${counted(run.pins, 'pin')}, ${counted(run.blocks, 'block')}, ${bytesText(run.bytes)}; ${foundText(run)}`)
      await clock.sleep(pollMs, signal)
      run = (await client.audits({ signal })).find(({ id }) => id === begun.id)
    }
    if (run == null) throw new CommandFailed('error : the peer knows nothing of the audit any more: it has been restarted')
    return run
  } finally {
    line.clear()
  }
}

/** Pins were named, or allocated, that aren't there to be looked at. */
const isOfNothing = ({ pins, skipped }: Audit): boolean => pins === 0 && skipped > 0

function sampleOf (text: string): number | undefined {
  if (text === '') return undefined
  const percent = /^\d+(\.\d+)?%?$/.test(text) ? Number(text.replace(/%$/, '')) : 0
  if (percent > 0 && percent <= 100) return percent
  throw new CommandFailed(`error : --sample is a percentage above 0, 100 at most: ${text}`)
}

const what = ({ state, bad_count: bad, repaired, error }: AuditResult): string =>
  state === 'repaired'
    ? `${counted(bad, 'block')} missing or damaged, all back again`
    : error !== ''
    ? error
    : `${counted(bad, 'block')} missing or damaged${repaired > 0 ? `, ${repaired} of them back again` : ''}`

const resultFormat: Format<AuditResult> = {
  text: result =>
    [`${result.cid}: ${what(result)}`, ...result.bad_blocks.slice(0, 10).map(cid => `  ${cid}`)].map(line => `${line}\n`).join(''),
  json: result => ({ ...result })
}

/** Of an audit that may be any: with the peer and the time. */
const foundFormat: Format<AuditResult> = {
  text: result => `${result.cid}: ${what(result)} (audit of ${result.peer}, ${result.at})\n`, json: resultFormat.json
}

function foundText (run: Audit): string {
  const { state, bad, failed = 0, bad_blocks: badBlocks, repaired_blocks: repaired } = run
  if (bad > 0) {
    const incomplete = bad - failed
    const pins = `${counted(incomplete, 'pin')} ${incomplete === 1 ? 'was' : 'were'} incomplete`
    return [
      ...incomplete > 0 ? [`${pins}, ${counted(badBlocks, 'block')} missing or damaged, ${repaired} fetched again`] : [],
      ...failed > 0 ? [`${counted(failed, 'pin')} could not be looked at`] : []
    ].join('; ')
  }
  if (run.pins === 0 && run.blocks === 0) return 'nothing was looked at'
  return state === 'done' ? 'all of it is there' : 'nothing was missing so far'
}

const runFormat: Format<Audit> = {
  text: run => {
    const { state, peer, pins, skipped, blocks, bytes, error } = run
    const seen = `${counted(pins, 'pin')} of ${peer}, ${counted(blocks, 'block')}, ${bytesText(bytes)}`
    const others = skipped === 0 ? '' : `; ${skipped} not on this peer`
    return `${state}${error === '' ? '' : ` (${error})`}: ${seen}; ${foundText(run)}${others}\n`
  },
  json: run => ({ ...run })
}
