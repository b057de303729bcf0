import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isClusterError } from '../../src/base/errors.ts'
import { CommandFailed } from '../../cmd/helia-cluster-service/terminal.ts'
import { NotedLogger } from '../support/noted-logger.ts'
import { damageOnce, dice } from './damage.ts'
import type { Damage } from './damage.ts'
import { readBlocks, stops } from './golden.ts'
import type { Golden, Image, Stop } from './golden.ts'
import type { PeerRun, Seen } from './peer-run.ts'

/**
 * `whole`: nothing is missing. `told`: something is, and the peer says so. `refused`: the peer doesn't start, and says in one line why and
 * what to do.
 * Everything else is a fault.
 */
export type Outcome = 'whole' | 'told' | 'refused' | 'fault'

export interface TrialResult {
  seed: number, stop: Stop, damage: Damage, outcome: Outcome, faults: string[], lostPins: number, lostBlocks: number
}

export interface TrialInit { seed: number, folder: string, run: PeerRun }

/** Only these may keep a peer from starting: what they hold can't be had from anywhere else. */
const mayRefuse = /^(service|identity|ipfs-identity)\.json$/

/** Damages one place of a copy of a stopped peer's folder, starts the peer twice, and compares. */
export async function rotTrial ({ seed, folder, run: runPeer }: TrialInit, golden: Golden): Promise<TrialResult> {
  const pick = dice(seed)
  const stop = stops[pick(2)] ?? 'killed'
  const image = golden.images[stop]
  await rm(folder, { recursive: true, force: true })
  await cp(image.folder, folder, { recursive: true })
  const damage = await damageOnce(folder, pick)
  const result: TrialResult = { seed, stop, damage, outcome: 'whole', faults: [], lostPins: 0, lostBlocks: 0 }
  const said: string[] = []
  for (const start of ['first', 'second']) {
    const run = await runPeer(folder).catch((err: unknown) => err as Error)
    if (run instanceof Error) {
      checkRefusal(run, { result, start })
      return finished(result)
    }
    said.push(...run.output.split('\n').filter(line => /\t(WARN|ERROR)\t/i.test(line) && aboutDamage.test(line)))
    checkRun(run, { result, image, ids: golden.ids, start, said })
  }
  await checkBlocks(folder, { result, image, said })
  return finished(result)
}

const finished = (result: TrialResult): TrialResult => result.faults.length > 0 ? { ...result, outcome: 'fault' } : result

function checkRefusal (err: Error, { result, start }: { result: TrialResult, start: string }): void {
  result.outcome = 'refused'
  const isClear = err instanceof CommandFailed && isClusterError(err.cause) && !/\n\s+at /.test(err.message)
  if (!isClear) result.faults.push(`${start} start: ${err.stack}`)
  else if (!mayRefuse.test(result.damage.file)) result.faults.push(`${start} start refused: ${err.message}`)
}

interface Checked { result: TrialResult, image: Image, ids: string, start: string, said: string[] }

function checkRun (run: Seen, { result, image, ids, start, said }: Checked): void {
  const { faults, damage } = result
  if (run.ids !== ids && damage.file !== 'service.json') faults.push(`${start} start: another identity ${run.ids}`)
  if (run.health.pins !== run.pins.size) faults.push(`${start} start: health says ${run.health.pins} pins, the list has ${run.pins.size}`)
  const missing = [...image.pins.keys()].filter(cid => !run.pins.has(cid))
  const strange = [...run.pins].filter(([cid, pin]) => image.pins.get(cid) !== pin)
  const isTold = run.health.problems.includes('damaged')
  if (strange.length > 0 && !isTold) faults.push(`${start} start: pins that were not there: ${strange.map(([, pin]) => pin).join(' ')}`)
  if (missing.length > 0 && !isTold) {
    faults.push(`${start} start: ${missing.length} pins are missing, and health says ${JSON.stringify(run.health)}`)
  }
  if (isTold && said.length === 0) faults.push(`${start} start: damage isn't in the log`)
  result.lostPins = missing.length
  if (isTold || said.length > 0) result.outcome = 'told'
}

async function checkBlocks (folder: string, { result, image, said }: Pick<Checked, 'result' | 'image' | 'said'>): Promise<void> {
  const log = new NotedLogger()
  const found = new Set<string>()
  try {
    await readBlocks(join(folder, 'blocks'), (hex, bytes) => {
      const right = image.blocks.get(hex)
      if (bytes == null) return
      found.add(hex)
      if (right != null && Buffer.compare(right, bytes) !== 0) result.faults.push(`the block ${hex} has wrong bytes`)
    }, log)
  } catch (err) {
    result.faults.push(`the blocks could not be read: ${String(err)}`)
  }
  said.push(...linesOf(log))
  const lost = [...image.blocks.keys()].filter(hex => !found.has(hex)).length
  if (lost > 0 && said.length === 0) result.faults.push(`${lost} blocks are missing, and nothing was said`)
  if (lost > 0 || said.length > 0) result.outcome = 'told'
  result.lostBlocks = lost
}

const aboutDamage = /damaged|lost|not readable|missing/
const linesOf = (log: NotedLogger): string[] => log.lines.filter(
  ({ level, message }) => (level === 'error' || level === 'warn') && aboutDamage.test(message)
).map(({ message }) => message)

/** For the summary of a failed trial. */
export const trialText = ({ seed, stop, damage, faults }: TrialResult): string =>
  `seed ${seed} (${stop}): ${damage.kind} at ${damage.at} of ${damage.file}\n  ${faults.join('\n  ')}`
