import type { Block } from '../blockstore/blockstore.ts'
import type { Denylist } from '../ipfs/denylist.ts'
import { refuseDeniedCid, refuseDeniedPath } from '../ipfs/denylist.ts'
import type { BlockHold, HoldPutOptions, IpfsConnector } from '../ipfs/ipfs.ts'
import type { CID } from '../model/cid.ts'
import type { NameResolver } from '../ipfs/names.ts'
import { withMethods } from '../observe/method-overrides.ts'

/**
 * The same node; what is on the denylist is neither pinned nor stored, read or looked up: DENIED. Unpinning, collecting and everything that
 * only tells of pins go on. What the node does by itself (fetching what is below a pin, serving other nodes) is its own part.
 */
export function refusingIpfs<T extends IpfsConnector> (ipfs: T, denylist: Denylist): T {
  const pin: IpfsConnector['pin'] = async (wanted, options) => {
    refuseDeniedCid(denylist, wanted.cid)
    await ipfs.pin(wanted, options)
  }
  // what is denied is refused by `pin`
  const isWhole: IpfsConnector['isWhole'] = wanted => denylist.checkCid(wanted.cid) == null && ipfs.isWhole?.(wanted) === true
  const putBlocks: IpfsConnector['putBlocks'] = async (blocks, options) => ipfs.putBlocks(allowed(blocks, denylist), options)
  const getBlock: IpfsConnector['getBlock'] = async (cid, options) => {
    refuseDeniedCid(denylist, cid)
    return ipfs.getBlock(cid, options)
  }
  const joined: NonNullable<IpfsConnector['joined']> = (blocks, allocate) =>
    denylist.count() > 0 && blocks.some(({ cid }) => denylist.checkCid(cid) != null) ? undefined : ipfs.joined?.(blocks, allocate)
  const resolve: IpfsConnector['resolve'] = async (path, options = {}) => {
    if (options.evenDenied === true) return ipfs.resolve(path, options)
    refuseDeniedPath(denylist, path)
    const cid = await ipfs.resolve(path, options)
    refuseDeniedCid(denylist, cid)
    return cid
  }
  const hold: IpfsConnector['hold'] = options => new RefusingHold(ipfs.hold(options), denylist)
  const refusing: Partial<IpfsConnector> = { pin, isWhole, hold, putBlocks, getBlock, joined, resolve }
  return withMethods(ipfs, refusing as Partial<T>)
}

/** The same names, published as before; denied ones are not looked up. */
export function refusingLookups<T extends NameResolver> (names: T, denylist: Denylist): T {
  const resolveName: NameResolver['resolveName'] = async (name, options) => {
    refuseDeniedPath(denylist, `/ipns/${name}`)
    return names.resolveName(name, options)
  }
  return withMethods(names, { resolveName } as Partial<T>)
}

async function * allowed (blocks: AsyncIterable<Block[]>, denylist: Denylist): AsyncGenerator<Block[]> {
  for await (const batch of blocks) {
    refuseDenied(batch, denylist)
    yield batch
  }
}

function refuseDenied (blocks: readonly Block[], denylist: Denylist): void {
  if (denylist.count() > 0) for (const { cid } of blocks) refuseDeniedCid(denylist, cid)
}

class RefusingHold implements BlockHold {
  readonly #hold: BlockHold
  readonly #denylist: Denylist

  constructor (hold: BlockHold, denylist: Denylist) {
    this.#hold = hold
    this.#denylist = denylist
  }

  async put (blocks: readonly Block[], options?: HoldPutOptions): Promise<void> {
    refuseDenied(blocks, this.#denylist)
    await this.#hold.put(blocks, options)
  }

  async keepUntilPinned (root: CID): Promise<void> { await this.#hold.keepUntilPinned(root) }
  handOver (roots: readonly CID[]): void { this.#hold.handOver(roots) }
  release (): void { this.#hold.release() }
  [Symbol.dispose] (): void { this.#hold[Symbol.dispose]() }
}
