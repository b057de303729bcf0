/** What a quota is typed in. */
export type Unit = 'MiB' | 'GiB' | 'TiB'
/** The form's choices. */
export const units: ReadonlyArray<{ value: Unit, label: string }> = [
  { value: 'MiB', label: 'MiB' }, { value: 'GiB', label: 'GiB' }, { value: 'TiB', label: 'TiB' }
]
const bytesIn: Record<Unit, number> = { MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 }

/** In the largest unit that tells it with three decimals at most. */
export function quotaParts (bytes: number): { amount: string, unit: Unit } {
  const unit = (['TiB', 'GiB'] as const).find(one => bytes >= bytesIn[one] && Number.isInteger(bytes / bytesIn[one] * 1000)) ?? 'MiB'
  return { amount: String(bytes / bytesIn[unit]), unit }
}

/** Null for what is no size. */
export function quotaBytes (amount: string, unit: Unit): number | null {
  const bytes = Math.round(Number(amount) * bytesIn[unit])
  return amount.trim() === '' || !Number.isSafeInteger(bytes) || bytes < 0 ? null : bytes
}
