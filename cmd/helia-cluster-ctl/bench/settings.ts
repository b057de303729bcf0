import { constants } from 'node:fs'
import { access, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { messageOf } from '../../../src/base/errors.ts'
import { byteSize } from '../../../src/base/text/byte-size.ts'
import { CommandFailed, doing } from '../failure.ts'
import type { FlagValues } from '../usage/flags.ts'
import { benchDefaults } from './flags.ts'
import { mixText, parseMix } from './mix.ts'
import type { Mix } from './mix.ts'
import { parseReport } from './report.ts'
import type { BenchReport, Settings } from './report.ts'

/** Requests at a time: each is a connection, and an upload's content in memory. */
const mostParallel = 4096
/** Of one file, which is in memory. Bytes. */
const largestFile = 1024 * 1024 * 1024

/** What the flags ask for. Throws CommandFailed. */
export function settingsOf (flags: FlagValues): Settings & { parsedMix: Mix } {
  const [seconds, parallel] = (['seconds', 'parallel'] as const).map(name => {
    const value = flags.number(name, benchDefaults[name])
    if (name === 'parallel' && value > mostParallel) throw new CommandFailed(`error : --parallel is ${mostParallel} at most: ${value}`)
    if (value < 1) throw new CommandFailed(`error : --${name} is 1 or more: ${value}`)
    return value
  }) as [number, number]
  const sizeText = flags.text('size', benchDefaults.size)
  const sizeBytes = byteSize(sizeText)
  if (sizeBytes == null) throw new CommandFailed(`error : --size is a number of bytes such as 64KiB: ${sizeText}`)
  if (sizeBytes > largestFile) throw new CommandFailed(`error : --size is 1GiB at most: ${sizeText}`)
  const mixGiven = flags.text('mix', benchDefaults.mix)
  try {
    const parsedMix = parseMix(mixGiven)
    return { seconds, parallel, size_bytes: sizeBytes, mix: mixText(parsedMix), parsedMix }
  } catch (err) {
    throw new CommandFailed(`error : --mix ${mixGiven}: ${messageOf(err)}`, { cause: err })
  }
}

/** The files of --compare and --save. What can't be read or written is told before anything has begun. */
export async function filesOf (flags: FlagValues): Promise<{ before: BenchReport | undefined, save: string }> {
  const [compare, save] = [flags.text('compare'), flags.text('save')]
  const before = compare === ''
    ? undefined
    : await doing(`reading ${compare}`, async () => parseReport(await readFile(compare, 'utf8')))
  if (save !== '') await doing(`writing ${save}`, async () => mayWrite(save))
  return { before, save }
}

/** A file that is there stays as it is until there is something to write. */
async function mayWrite (path: string): Promise<void> {
  try {
    await (await open(path, 'r+')).close()
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ENOENT') throw err
    await access(dirname(path), constants.W_OK)
  }
}
