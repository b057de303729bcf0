import type { SiteKind } from './page-entry.ts'

/** What the peer tells its pages, in a meta element of the document. */
export interface Site {
  kind: SiteKind
  /**
   * What links to content begin with, without a slash at the end, such as "http://127.0.0.1:8080"; '': content is at `/api/gateway` here.
   */
  gateway: string
  /** Service: what its links begin with; '' for this page's own origin. */
  publicUrl: string
  registration: 'open' | 'verified' | 'invite' | 'closed'
  /** Whether codes can be mailed. */
  mail: boolean
  /** Cluster: whether credentials are asked for. */
  credentials: boolean
  version: string
}

const usual: Site = { kind: 'service', gateway: '', publicUrl: '', registration: 'open', mail: false, credentials: false, version: '' }

function readSite (): Site {
  const content = document.querySelector('meta[name="helia-cluster"]')?.getAttribute('content') ?? ''
  try {
    return { ...usual, ...JSON.parse(content) as Partial<Site> }
  } catch {
    // vite's own server knows nothing of a peer
    return usual
  }
}

/** Which pages these are, as the server wrote it into the document. */
export const site: Site = readSite()

/** Where a CID can be read, to be opened or shared. */
export const gatewayLink = (cid: string): string =>
  site.kind === 'service' || site.gateway === '' ? `${ownOrigin()}/api/gateway/${cid}` : `${site.gateway}/ipfs/${cid}`

/** The origin to show in addresses for others: the configured public one, else this page's. */
export const ownOrigin = (): string => site.publicUrl === '' ? location.origin : site.publicUrl
