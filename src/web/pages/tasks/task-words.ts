/** What the kinds of tasks do, for people. */
const kindWords: Readonly<Record<string, string>> = {
  'files-delete': 'Delete files',
  'pins-import': 'Import pins from another service',
  'account-export': 'Export the account',
  'account-delete': 'Delete an account',
  upload: 'Finish an upload'
}

/** A kind that a newer peer has is shown as it is called. */
export const kindText = (kind: string): string => kindWords[kind] ?? kind
/** A filter's choices. */
export const kinds: ReadonlyArray<{ value: string, label: string }> = Object.entries(kindWords).map(([value, label]) => ({ value, label }))

/** The task isn't over. */
export const isOpen = ({ state }: { state: string }): boolean => state === 'PENDING' || state === 'STARTED'

const figureWords: ReadonlyArray<readonly [name: string, text: (value: number) => string]> = [
  ['deleted', value => `${number(value)} deleted`],
  ['imported', value => `${number(value)} imported`],
  ['known', value => `${number(value)} known already`],
  ['refused', value => `${number(value)} refused`],
  ['files', value => `${number(value)} files`]
]

const number = (value: number): string => value.toLocaleString('en-US')

/**
 * "120 of 400 imported, 3 refused": the figures of progress or result; '' when there are none. Counts of nothing are left out behind the
 * first.
 */
export function figuresText (value: unknown): string {
  if (typeof value !== 'object' || value == null) return ''
  const figures = value as Record<string, unknown>
  const known = figureWords.flatMap(
    ([name, text]) => typeof figures[name] === 'number' ? [{ value: figures[name], text: text(figures[name]) }] : []
  )
  const texts = known.filter((one, at) => at === 0 || one.value > 0).map(({ text }) => text)
  const failed = Array.isArray(figures.failed) && figures.failed.length > 0 ? [`${number(figures.failed.length)} not found`] : []
  return [...texts, ...failed].join(', ')
}

/** How far it is, from 0 to 1; undefined when nobody can say. */
export function shareDone (progress: unknown): number | undefined {
  if (typeof progress !== 'object' || progress == null) return undefined
  const { total, imported = 0, known = 0, refused = 0 } = progress as Record<string, number | undefined>
  return typeof total === 'number' && total > 0 ? Math.min(1, (imported + known + refused) / total) : undefined
}
