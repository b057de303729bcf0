/** TXT entries of a domain. */
export interface TxtAnswer {
  /** Each as one text, however DNS has cut it. Empty: there is no entry. */
  texts: string[]
  /** Undefined: the resolver doesn't tell. Seconds. */
  ttlSeconds: number | undefined
}

/**
 * Asks for the TXT entries of a name (`_dnslink.example.org`). Rejects with IPFS_UNAVAILABLE when the resolver fails or can't be reached,
 * and when the signal aborts.
 */
export type TxtLookup = (name: string, options: { signal: AbortSignal }) => Promise<TxtAnswer>
