/** Round numbers for an axis from 0 to at least `most`: 1, 2 or 5 times a power of ten, or of 1024 for sizes. */
export function ticksFor (most: number, { count = 4, isBinary = false }: { count?: number, isBinary?: boolean } = {}): number[] {
  if (!Number.isFinite(most) || most <= 0) return [0, 1]
  const unit = isBinary ? 1024 ** Math.max(0, Math.floor(Math.log(most) / Math.log(1024))) : 1
  const rough = most / unit / count
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5, 10].find(one => one * power >= rough) ?? 10) * power
  // nothing comes in halves of a byte or a view
  const whole = unit === 1 ? Math.max(1, step) : step
  const top = Math.ceil(most / unit / whole)
  return Array.from({ length: top + 1 }, (_, at) => at * whole * unit)
}

/** `at`: Unix milliseconds. */
export interface ChartPoint { at: number, value: number }

/** The point that is nearest in time. */
export function nearestIndex (points: readonly ChartPoint[], at: number): number {
  let best = 0
  for (const [index, point] of points.entries()) if (Math.abs(point.at - at) < Math.abs((points[best]?.at ?? Infinity) - at)) best = index
  return best
}
