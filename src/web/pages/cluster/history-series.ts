import type { MetricHistory } from '../../../client/types.ts'

/** A line of a chart. `at`: Unix milliseconds. */
export interface HistoryLine { label: string, points: Array<{ at: number, value: number }> }

/** Colours that can be distinguished. */
const linesShown = 6

/**
 * One metric of several peers as lines of equally many points. What a peer didn't say is 0 in a count of its own (`ping`), and else the
 * value before: a gap of one metric isn't news. Of more peers than can be distinguished those that vary most are shown.
 */
export function historyLines (history: MetricHistory, name: string, nameOf: (peer: string) => string): HistoryLine[] {
  const series = history.series.filter(one => one.name === name)
  const varying = series.length <= linesShown ? series : series.toSorted((a, b) => spread(b.values) - spread(a.values)).slice(0, linesShown)
  return varying.map(({ peer, values }) => ({
    label: nameOf(peer), points: filled(values).map((value, at) => ({ at: history.at[at] ?? 0, value }))
  }))
    .toSorted((a, b) => a.label < b.label ? -1 : 1)
}

/** How many peers were there at each time. */
export function peersLine (history: MetricHistory): HistoryLine {
  const pings = history.series.filter(({ name }) => name === 'ping')
  return {
    label: 'Peers', points: history.at.map((at, index) => ({ at, value: pings.filter(({ values }) => values[index] != null).length }))
  }
}

function filled (values: ReadonlyArray<number | null>): number[] {
  let last = values.find(value => value != null) ?? 0
  return values.map(value => last = value ?? last)
}

function spread (values: ReadonlyArray<number | null>): number {
  const known = values.filter(value => value != null)
  return known.length === 0 ? -1 : Math.max(...known) - Math.min(...known)
}
