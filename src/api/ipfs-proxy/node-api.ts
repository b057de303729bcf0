import type { RequestContext } from '../../http/request-context.ts'
import type { HeaderList } from '../../http/answer/reply.ts'

/** What the node's API says to a page of some origin. */
export interface NodeHeaders {
  /** For answers of the cluster: the node's CORS headers, and others that are to be taken over. */
  headers: HeaderList
  /** False: the node wants nothing to do with pages of this origin. */
  allowsOrigin: boolean
}

/** Commands that take blocks or nodes and give their CIDs. */
export type PutCommand = 'block/put' | 'dag/put'

/** The RPC API (`/api/v0/…`) of the IPFS node behind the proxy. */
export interface NodeApi {
  /** Never rejects: a node that can't be asked has no headers. */
  headers (origin: string | undefined): Promise<NodeHeaders>
  /** Answers a request that the cluster has no part in, to the end. Rejects before anything was sent, or never. */
  answer (context: RequestContext): Promise<void>
  /**
   * Runs the context's command without pinning; yields the objects of its answer. The node's refusal is thrown as a ClusterError with the
   * node's own text.
   */
  put (command: PutCommand, context: RequestContext): AsyncIterable<unknown>
}
