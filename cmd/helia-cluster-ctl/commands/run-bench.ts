import { writeFile } from 'node:fs/promises'
import { base32 } from '../../../src/base/text/base32.ts'
import { messageOf } from '../../../src/base/errors.ts'
import { systemRandom } from '../../../src/base/system.ts'
import { benchFlags } from '../bench/flags.ts'
import { clean, pinsNamed } from '../bench/clean.ts'
import type { Cleaned } from '../bench/clean.ts'
import { Load } from '../bench/load.ts'
import { differentPeers, differentSettings, reportOf } from '../bench/report.ts'
import type { BenchReport } from '../bench/report.ts'
import { rowFormat, rowsOf } from '../bench/report-format.ts'
import { Requests, namePrefix } from '../bench/requests.ts'
import { filesOf, settingsOf } from '../bench/settings.ts'
import type { CommandLine } from '../usage/command.ts'
import type { CtlContext } from '../context.ts'
import { CommandFailed, doing, exitCodes } from '../failure.ts'
import { counted } from '../print/humanize.ts'
import { jsonText } from '../print/json.ts'
import { StatusLine } from '../print/status-line.ts'

/** Between two looks at how far it is. */
const lookMs = 250
/** At once, when what earlier runs have left is unpinned. */
const cleanedAtOnce = 16

/**
 * Puts a load on the cluster, tells how it did, and takes away what it added, also when it is interrupted. Ends with 1 when a request
 * failed or something stayed.
 */
export async function bench ({ flags }: CommandLine, context: CtlContext): Promise<number> {
  if (flags.yes('clean')) {
    const others = benchFlags.map(({ names: [name] }) => name).filter(name => name !== 'clean' && flags.isSet(name))
    if (others.length > 0) throw new CommandFailed(`error : --clean puts no load on the cluster: it does not go with --${others.join(', --')}`)
    return await cleanEarlier(context)
  }
  const settings = settingsOf(flags)
  const { before, save } = await filesOf(flags)
  const { client, clock, signal, terminal } = context
  const { id, peername, version } = await client.id({ signal })
  const requests = new Requests(
    { name: `${namePrefix}${base32(systemRandom.bytes(5))}`, sizeBytes: settings.size_bytes }, { client, random: systemRandom }
  )
  const load = new Load({ ...settings, mix: settings.parsedMix }, {
    requests, clock, random: systemRandom, now: () => performance.now(), signal
  })
  const line = new StatusLine(terminal)
  const elapsedMs = await watched(load, { line, seconds: settings.seconds }, context)
  const { parsedMix: _, ...told } = settings
  const report = reportOf({
    at: new Date(clock.now()).toISOString(), peer: { id, peername, version }, settings: told, interrupted: signal.aborted, elapsedMs
  }, load)
  const cleaned = await cleanUp(requests, { line, parallel: settings.parallel }, context)
  await print(report, before, context)
  if (save !== '') await doing(`writing ${save}`, async () => writeFile(save, jsonText(report)))
  tellStayed(cleaned, requests, context)
  if (signal.aborted) return exitCodes.interrupted
  return load.errors === 0 && cleaned.stayed === 0 ? exitCodes.done : exitCodes.failed
}

interface Watching { line: StatusLine, seconds: number }

/** Runs the load, with a line that says how far it is. */
async function watched (load: Load, { line, seconds }: Watching, { clock, signal }: CtlContext): Promise<number> {
  const begin = clock.elapsed()
  const over = new AbortController()
  const show = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const passed = Math.round((clock.elapsed() - begin) / 1000)
      const time = signal.aborted || passed >= seconds ? 'waiting for the last answers' : `${passed} of ${seconds} s`
      line.show(`${time}: ${load.count} requests, ${load.errors} errors`)
      await clock.sleep(lookMs, over.signal).catch(() => {})
    }
    line.clear()
  }
  const shown = show()
  try {
    return await load.run()
  } finally {
    over.abort()
    await shown
  }
}

/** Also after an interruption; a second one ends the program at once. */
async function cleanUp (
  requests: Requests, { line, parallel }: { line: StatusLine, parallel: number }, { client }: CtlContext
): Promise<Cleaned> {
  const all = requests.pins.count
  const unpin = async (cid: string): Promise<void> => requests.unpin(cid)
  const known = function * (): Generator<string, void, undefined> {
    for (let left = all; left > 0; left--) {
      const cid = requests.pins.take(0)
      if (cid != null) yield cid
    }
  }
  try {
    const cleaned = await clean(known(), { parallel }, { unpin, onProgress: gone => line.show(`unpinning: ${gone} of ${all}`) })
    if (!requests.mayHoldMore) return cleaned
    const more = await clean(pinsNamed(requests.name, { client }), { parallel }, { unpin, onProgress: () => {} })
    return { gone: cleaned.gone + more.gone, stayed: more.stayed, message: more.message }
  } catch (err) {
    return { gone: 0, stayed: requests.pins.count, message: messageOf(err) }
  } finally {
    line.clear()
  }
}

async function print (report: BenchReport, before: BenchReport | undefined, { printer, terminal }: CtlContext): Promise<void> {
  if (printer.encoding === 'json') {
    printer.one(before == null ? report : { ...report, before }, { text: () => '', json: one => one })
    return
  }
  await printer.all(rowsOf(report, before), rowFormat(before != null))
  for (const [message, count] of Object.entries(report.errors)) terminal.out(`${count} times ${message}\n`)
  const whose = before == null ? undefined : differentPeers(report, before)
  if (whose != null) terminal.out(`not the same peer as before, or not the same version. ${whose}\n`)
  const differing = before == null ? [] : differentSettings(report.settings, before.settings)
  if (differing.length > 0) terminal.out(`not the same load as before: ${differing.join(', ')}\n`)
}

function tellStayed ({ stayed, message }: Cleaned, { unsure }: Requests, { terminal, program }: CtlContext): void {
  const count = `${unsure > 0 ? 'up to ' : ''}${counted(stayed, 'pin')}`
  if (stayed > 0) terminal.err(`${count} of this run could not be removed (${message}): ${program} bench --clean does it later\n`)
}

/** Unpins what runs have left that were killed. */
async function cleanEarlier ({ client, terminal, signal }: CtlContext): Promise<number> {
  const line = new StatusLine(terminal)
  const { gone, stayed, message } = await clean(pinsNamed(namePrefix, { client, signal }), { parallel: cleanedAtOnce }, {
    unpin: async cid => { await client.unpin(cid, { signal }) }, onProgress: count => line.show(`${count} unpinned`)
  })
  line.clear()
  terminal.out(`${gone} pins of earlier runs removed\n`)
  if (stayed > 0) terminal.err(`${stayed} could not be removed: ${message}\n`)
  return stayed === 0 ? exitCodes.done : exitCodes.failed
}
