import type { MultiaddrText, PeerId } from '../model/cid.ts'
import type { IpfsOptions } from './ipfs.ts'

/** An IPFS node that is said to have some content. */
export interface Holder {
  /** Of the IPFS node. */
  id: PeerId
  /** Where it can be dialled, with /p2p. May ask its peer. */
  addresses (options: IpfsOptions): Promise<readonly MultiaddrText[]>
}
