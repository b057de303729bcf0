/** `Did you mean 'status'?` for a name that isn't there, when one is near enough; otherwise nothing. */
export function didYouMean (name: string, known: readonly string[]): string {
  const ranked = known.map(one => ({ one, edits: editsBetween(name, one) })).toSorted((a, b) => a.edits - b.edits)
  const [best] = ranked
  return best != null && best.edits <= Math.max(1, Math.floor(name.length / 3)) ? `Did you mean '${best.one}'?\n` : ''
}

/** Letters to insert, delete, replace or swap with the next one (Damerau's distance between adjacent ones). */
function editsBetween (from: string, to: string): number {
  let before: number[] = []
  let above = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (let row = 1; row <= from.length; row++) {
    const line = [row]
    for (let at = 1; at <= to.length; at++) {
      const isSame = from[row - 1] === to[at - 1]
      const isSwap = row > 1 && at > 1 && from[row - 1] === to[at - 2] && from[row - 2] === to[at - 1]
      line[at] = Math.min(
        (above[at] ?? 0) + 1, (line[at - 1] ?? 0) + 1, (above[at - 1] ?? 0) + (isSame ? 0 : 1),
        isSwap ? (before[at - 2] ?? 0) + 1 : Infinity
      )
    }
    before = above
    above = line
  }
  return above[to.length] ?? 0
}
