/** What the links are for. */
export interface SharedFile { cid: string, name: string }
/** Addresses of a file, to give to others. */
export interface ShareLinks {
  /** A page that shows it, by its name. */
  page: string
  /** The bytes, by the gateway: pins what waits for its first reader. */
  direct: string
  ipfs: string
}

/** Links to content. The name goes along because content has none of its own. */
export function shareLinks ({ cid, name }: SharedFile, origin: string): ShareLinks {
  const named = name === '' ? '' : `name=${encodeURIComponent(name)}`
  return {
    page: `${origin}/retrieve?cid=${encodeURIComponent(cid)}${named === '' ? '' : `&${named}`}`,
    direct: `${origin}/api/gateway/${encodeURIComponent(cid)}${named === '' ? '' : `?file${named}`}`,
    ipfs: `ipfs://${cid}`
  }
}
