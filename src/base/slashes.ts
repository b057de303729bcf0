/** Without the slashes at its end. `/\/+$/` would look at a run of slashes that isn't at the end once for each of them. */
export function withoutEndSlashes (path: string): string {
  let end = path.length
  while (path[end - 1] === '/') end--
  return path.slice(0, end)
}
