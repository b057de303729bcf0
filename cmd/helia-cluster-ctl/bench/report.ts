import type { Load } from './load.ts'
import { nameAndId } from '../print/peer-labels.ts'
import { Latencies } from './latencies.ts'
import { operations } from './mix.ts'
import type { Operation } from './mix.ts'

/** What a run was asked to do. */
export interface Settings { seconds: number, parallel: number, size_bytes: number, mix: string }

/** Of one operation, or of all. `rate`: answers a second. */
export interface Measured { count: number, errors: number, rate: number, p50_ms: number, p99_ms: number, max_ms: number }

/** A run as it is printed and saved. */
export interface BenchReport {
  /** Version of this form. */
  helia_cluster_bench: 1
  /** When it ended, RFC 3339. */
  at: string
  /** What the asked peer says of itself. */
  peer: { id: string, peername: string, version: string }
  settings: Settings
  /** Seconds from the first request to the last answer. */
  seconds: number
  interrupted: boolean
  all: Measured
  /** Those that the mix has. */
  operations: Partial<Record<Operation, Measured>>
  /** How often each error came. */
  errors: Record<string, number>
}

export interface ReportInit extends Pick<BenchReport, 'at' | 'peer' | 'settings' | 'interrupted'> { elapsedMs: number }

/** What a load has measured. */
export function reportOf ({ elapsedMs, ...init }: ReportInit, load: Pick<Load, 'figures' | 'messages'>): BenchReport {
  const all = { latencies: new Latencies(), errors: 0 }
  const measured: Partial<Record<Operation, Measured>> = {}
  for (const operation of operations) {
    const { latencies, errors } = load.figures[operation]
    if (latencies.count + errors > 0) measured[operation] = measuredOf({ latencies, errors }, elapsedMs)
    all.latencies.add(latencies)
    all.errors += errors
  }
  return {
    helia_cluster_bench: 1, ...init, seconds: rounded(elapsedMs / 1000), all: measuredOf(all, elapsedMs), operations: measured,
    errors: Object.fromEntries(load.messages)
  }
}

const measuredOf = ({ latencies, errors }: { latencies: Latencies, errors: number }, elapsedMs: number): Measured => ({
  count: latencies.count,
  errors,
  rate: elapsedMs === 0 ? 0 : rounded(latencies.count / elapsedMs * 1000),
  p50_ms: rounded(latencies.quantileMs(0.5)),
  p99_ms: rounded(latencies.quantileMs(0.99)),
  max_ms: rounded(latencies.longestMs)
})

/** Three significant digits; whole numbers as they are. */
const rounded = (value: number): number => value >= 1000 ? Math.round(value) : Number(value.toPrecision(3))

/** A saved run. Throws an Error that says what is wrong with the text. */
export function parseReport (text: string): BenchReport {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new Error('it is not JSON')
  }
  const report = json as Partial<BenchReport> | null
  if (typeof report !== 'object' || report == null || report.helia_cluster_bench == null) throw new Error('it was not saved by bench --save')
  if (report.helia_cluster_bench !== 1) throw new Error('another version of bench saved it')
  const isWhole = typeof report.peer?.id === 'string' && typeof report.settings?.mix === 'string' && isMeasured(report.all)
  if (!isWhole || !Object.values(report.operations ?? {}).every(isMeasured)) {
    throw new Error('it is incomplete')
  }
  return report as BenchReport
}

const isMeasured = (value: unknown): value is Measured =>
  typeof value === 'object' && value != null &&
  ['count', 'errors', 'rate', 'p50_ms', 'p99_ms', 'max_ms'].every(key => typeof (value as Record<string, unknown>)[key] === 'number')

/** In which settings two runs differ, so that their figures can't be compared. */
export const differentSettings = (one: Settings, other: Settings): string[] => (['parallel', 'size_bytes', 'mix'] as const)
  .filter(key => one[key] !== other[key])
  .map(key => `${key === 'size_bytes' ? 'size' : key} ${other[key]} → ${one[key]}`)

const peerText = ({ id, peername, version }: BenchReport['peer']): string => `${nameAndId({ peer: id, peername })}, version ${version}`

type OfPeer = Pick<BenchReport, 'peer'>

/** Whose figures two runs are; undefined when both are of one peer that runs the same version. */
export function differentPeers ({ peer: one }: OfPeer, { peer: other }: OfPeer): string | undefined {
  return one.id === other.id && one.version === other.version ? undefined : `before: ${peerText(other)}; now: ${peerText(one)}`
}
