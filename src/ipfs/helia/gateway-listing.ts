import type { DirectoryEntry } from '../dag-reader.ts'

/** A plain HTML list of a directory, in pieces. `path` is the decoded path of the request, ending in a slash. */
export async function * listingHtml (path: string, entries: AsyncIterable<DirectoryEntry>): AsyncGenerator<string> {
  const title = `Index of ${escapeHtml(path)}`
  yield `<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>${title}</title></head>\n<body>\n<h1>${title}</h1>\n<table>\n`
  if (hasParent(path)) yield '<tr><td><a href="../">..</a></td><td></td><td></td></tr>\n'
  for await (const { name, cid, sizeBytes } of entries) {
    yield `<tr><td><a href="./${encodeURIComponent(name)}">${escapeHtml(name)}</a></td><td><a href="/ipfs/${cid.toString()}?filename=${encodeURIComponent(name)}">${cid.toString()}</a></td><td>${sizeBytes}</td></tr>\n`
  }
  yield '</table>\n</body>\n</html>\n'
}

/** Above `/ipfs/CID/` there is nothing to list. */
const hasParent = (path: string): boolean => path.split('/').length > 4

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, found => entities[found] ?? found)
