import type { CID } from 'multiformats/cid'

/** Why something isn't served. `legal`: somebody's right asks for it (451 instead of 410). `rule` names the list and line, for the log. */
export interface Denial { reason: 'policy' | 'legal', rule: string }

/**
 * What this peer refuses to fetch, keep and serve. The answers come at once, out of memory: they are asked for on every request.
 */
export interface Denylist {
  /** Number of rules. 0: nobody needs to ask. */
  count (): number
  /** Whether a block is denied, in whatever version or codec its CID is written. */
  checkCid (cid: CID): Denial | undefined
  /**
   * Whether a content path is denied: by its root, by itself, or by a rule for what lies above it. `/ipfs/CID/a/b` or `/ipns/NAME/a/b`, decoded, without
   * a slash at the end. What it leads to is asked for with `checkCid`.
   */
  checkPath (path: string): Denial | undefined
}
