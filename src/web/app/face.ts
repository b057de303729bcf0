import type { FaceKind } from './page-entry.ts'

/** What the peer tells its pages, in a meta element of the document. */
export interface Face {
  kind: FaceKind
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

const usual: Face = { kind: 'service', gateway: '', publicUrl: '', registration: 'open', mail: false, credentials: false, version: '' }

function readFace (): Face {
  const content = document.querySelector('meta[name="helia-cluster"]')?.getAttribute('content') ?? ''
  try {
    return { ...usual, ...JSON.parse(content) as Partial<Face> }
  } catch {
    // vite's own server knows nothing of a peer
    return usual
  }
}

export const face: Face = readFace()

/** Where a CID can be read, to be opened or shared. */
export const gatewayLink = (cid: string): string =>
  face.kind === 'service' || face.gateway === '' ? `${ownOrigin()}/api/gateway/${cid}` : `${face.gateway}/ipfs/${cid}`

export const ownOrigin = (): string => face.publicUrl === '' ? location.origin : face.publicUrl
