import type { CID } from 'multiformats/cid'
import { ClusterError } from '../base/errors.ts'
import type { NameResolver } from './names.ts'

/**
 * Why something is refused. `legal`: somebody's right asks for it (451 instead of 410). `rule`: the list's name and the line, for the log;
 * `list`: the name alone.
 */
export interface Denial { reason: 'policy' | 'legal', list: string, rule: string }

/**
 * What this peer refuses to fetch, keep and serve. The answers come at once, out of memory: they are asked for on every request and for
 * every block.
 */
export interface Denylist {
  /** Number of rules. 0: nobody needs to ask. */
  count (): number
  /** Whether a block is denied, in whatever version or codec its CID is written. */
  checkCid (cid: CID): Denial | undefined
  /**
   * Whether a content path is denied: by its root, or by a rule for this path. `/ipfs/CID/a/b` or `/ipns/NAME/a/b`, decoded; slashes at the
   * end don't count. What it leads to is asked for with `checkCid`. A path that can't be read isn't denied: whoever follows it says what is
   * wrong.
   */
  checkPath (path: string): Denial | undefined
  /** To be told by who refuses something: it is counted, and logged without saying who asked for what. */
  refused (denial: Denial): void
  /** Tells when rules have changed. Absent: they never do. */
  onChange? (changed: () => void): void
}

/** A denylist for who can wait: it may be in another thread. Undefined: nothing is refused. Throws, or rejects with, DENIED. */
export interface Refusals {
  /** Whether there are no rules. */
  isEmpty (): boolean
  path (text: string): Promise<void> | undefined
  cids (cids: readonly CID[]): Promise<void> | undefined
}

/** What a denylist refuses, asked in one way whether there is one or not. */
export const refusalsBy = (denylist: Denylist | undefined): Refusals => ({
  isEmpty: () => denylist == null || denylist.count() === 0,
  path: text => {
    refuseDeniedPath(denylist, text)
    return undefined
  },
  cids: cids => {
    for (const cid of cids) refuseDeniedCid(denylist, cid)
    return undefined
  }
})

/** DENIED, for whoever may know the rule. `what`: a CID or a path. */
const denied = (what: string, { reason, rule }: Denial): ClusterError =>
  new ClusterError('DENIED', { what: what.slice(0, 200), reason, rule }, { message: `${what.slice(0, 200)} is denied by ${rule}` })

/** Throws DENIED when the block is on the list. */
export function refuseDeniedCid (denylist: Denylist | undefined, cid: CID): void {
  const denial = denylist == null || denylist.count() === 0 ? undefined : denylist.checkCid(cid)
  if (denial == null) return
  denylist?.refused(denial)
  throw denied(cid.toString(), denial)
}

/** Throws DENIED when the path is on the list, by itself or by its root. */
export function refuseDeniedPath (denylist: Denylist | undefined, path: string): void {
  const denial = denylist == null || denylist.count() === 0 ? undefined : denylist.checkPath(path)
  if (denial == null) return
  denylist?.refused(denial)
  throw denied(path, denial)
}

/** The same names; looking up a denied one is DENIED, also on the way from another. */
export const refusingNames = (names: NameResolver, denylist: Denylist | undefined): NameResolver => ({
  resolveName: async (name, options) => {
    refuseDeniedPath(denylist, `/ipns/${name}`)
    return names.resolveName(name, options)
  },
  recordOf: async (key, options) => names.recordOf(key, options)
})
