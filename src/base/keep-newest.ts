/** Forgets what a map or set has had for longest, until it has no more than `most` entries. */
export function keepNewest (known: Map<unknown, unknown> | Set<unknown>, most: number): void {
  for (const oldest of known.keys()) {
    if (known.size <= most) return
    known.delete(oldest)
  }
}
