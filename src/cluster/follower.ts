import { ClusterError } from '../base/errors.ts'

/** Throws FOLLOWER_MODE on a peer that may not write. */
export function refuseInFollowerMode ({ followerMode }: { followerMode: boolean }): void {
  if (followerMode) throw new ClusterError('FOLLOWER_MODE')
}
