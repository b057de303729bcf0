import { ClusterError, isClusterError } from '../../../base/errors.ts'

/** An error of the node in the words that Kubo has for it, without what Go's connector puts around them. */
export function kuboError (err: unknown): unknown {
  if (!isClusterError(err, 'IPFS_ERROR')) return err
  const words = /^IPFS error \(.*?\)\. Code: \d+\. Message: (.*)$/s.exec(err.message)?.[1]
  return words == null ? err : new ClusterError('IPFS_ERROR', err.details, { message: words, cause: err })
}
