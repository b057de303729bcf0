import type { CID } from 'multiformats/cid'
import { Moved } from '../../base/port-calls.ts'
import type { Answerer } from '../../base/port-calls.ts'
import type { Blockstore } from '../../blockstore/blockstore.ts'
import { parseCid } from '../../model/cid.ts'
import type { Denylist } from '../denylist.ts'
import { refuseDeniedCid, refuseDeniedPath, refusingNames } from '../denylist.ts'
import type { GetBlockOptions, IpfsConnector } from '../ipfs.ts'
import type { NameOptions, NameResolver } from '../names.ts'
import { cidOf, packPlaces } from './calls.ts'
import type { GetBlockCall, NameCall, PrefetchCall, RefuseCall } from './calls.ts'

export interface NodeCallHandlersDeps {
  blocks: Pick<Blockstore, 'placeOf'>
  ipfs: Pick<IpfsConnector, 'getBlock' | 'prefetch'>
  names: NameResolver | undefined
  denylist: Denylist | undefined
  /** Blocks below this root are being made here: resolves when no more come. */
  pendingImport: ((root: CID) => Promise<void> | undefined) | undefined
}

/** Answers what threads that serve content can't know by themselves: `docs/design/gateway-threads.md`. */
export function nodeCallHandlers ({ blocks, ipfs, denylist, pendingImport, ...deps }: NodeCallHandlersDeps): Record<string, Answerer> {
  const names = deps.names == null ? undefined : refusingNames(deps.names, denylist)
  const placeOf = (key: string): ReturnType<NonNullable<Blockstore['placeOf']>> => {
    const cid = cidOf(key)
    // a denied block has no place: who asks for the block itself hears why
    return denylist == null || denylist.count() === 0 || denylist.checkCid(cid) == null ? blocks.placeOf?.(cid) : undefined
  }
  return {
    places: (keys: readonly string[]) => packPlaces(keys.map(placeOf)),
    getBlock: async ({ cid: text, root, local, untilNobody }: GetBlockCall, { signal }) => {
      const cid = parseCid(text)
      if (!local) await pendingImport?.(root == null ? cid : parseCid(root))
      const options: GetBlockOptions = { signal, local, untilNobody }
      const bytes = await ipfs.getBlock(cid, root == null ? options : { ...options, root: parseCid(root) })
      // others may still have a use for these bytes
      const copy = new Uint8Array(bytes)
      return new Moved(copy, [copy.buffer])
    },
    prefetch: async ({ cid, root }: PrefetchCall, { signal }) => {
      await ipfs.prefetch?.(parseCid(cid), root == null ? { signal } : { signal, root: parseCid(root) })
    },
    pendingImport: async (root: string) => { await pendingImport?.(parseCid(root)) },
    resolveName: async ({ name, options }: NameCall, { signal }) => names?.resolveName(name, optionsOf(options, signal)),
    recordOf: async ({ name, options }: NameCall, { signal }) => names?.recordOf(name, optionsOf(options, signal)),
    refuse: ({ path, cids = [] }: RefuseCall) => {
      if (path != null) refuseDeniedPath(denylist, path)
      for (const cid of cids) refuseDeniedCid(denylist, parseCid(cid))
    }
  }
}

const optionsOf = (options: Omit<NameOptions, 'signal'>, signal: AbortSignal): NameOptions => ({ ...options, signal })
