import { bytesOf } from '../blockstore/blockstore.ts'
import { isClusterError } from '../base/errors.ts'
import type { Clock } from '../base/clock.ts'
import type { Block } from '../blockstore/blockstore.ts'
import type { BlockHold, IpfsConnector, IpfsOptions } from '../ipfs/ipfs.ts'
import { overrideMethods } from './method-overrides.ts'

/** What is counted of an IPFS node. */
export interface IpfsMeter {
  pinEnded (result: { ok: boolean, seconds: number }): void
  /** A pin request was made. */
  pinBegun (): void
  putBegun (): void
  putFailed (): void
  stored (blocks: { count: number, bytes: number }): void
  /** `code`: that of the ClusterError, else "UNKNOWN". */
  failed (call: string, code: string): void
}

export interface MeasuredIpfsDeps { meter: IpfsMeter, clock: Pick<Clock, 'elapsed'> }

/** Calls that ask the node for something and can fail. */
const failing = new Set(['unpin', 'pinStatus', 'pinnedView', 'getBlock', 'resolve', 'repoStat', 'swarmPeers', 'connect', 'ready'])

/** The same node, measured. Cancelled calls are no errors. */
export function measuredIpfs<T extends IpfsConnector> (ipfs: T, { meter, clock }: MeasuredIpfsDeps): T {
  const note = (call: string, err: unknown, options: IpfsOptions | undefined): boolean => {
    if (options?.signal?.aborted === true) return false
    meter.failed(call, isClusterError(err) ? err.code : 'UNKNOWN')
    return true
  }
  const pin: IpfsConnector['pin'] = async (wanted, options) => {
    const from = clock.elapsed()
    const seconds = (): number => (clock.elapsed() - from) / 1000
    meter.pinBegun()
    try {
      await ipfs.pin(wanted, options)
      meter.pinEnded({ ok: true, seconds: seconds() })
    } catch (err) {
      if (note('pin', err, options)) meter.pinEnded({ ok: false, seconds: seconds() })
      throw err
    }
  }
  const pinWhole: NonNullable<IpfsConnector['pinWhole']> = async pins => {
    const from = clock.elapsed()
    for (const _ of pins) meter.pinBegun()
    let ok = false
    try {
      await ipfs.pinWhole?.(pins)
      ok = true
    } catch (err) {
      note('pin', err, undefined)
      throw err
    } finally {
      const seconds = (clock.elapsed() - from) / 1000
      for (const _ of pins) meter.pinEnded({ ok, seconds })
    }
  }
  const counting = async (put: () => Promise<void>, options: IpfsOptions | undefined): Promise<void> => {
    meter.putBegun()
    try {
      await put()
    } catch (err) {
      if (note('putBlocks', err, options)) meter.putFailed()
      throw err
    }
  }
  const putBlocks: IpfsConnector['putBlocks'] = async (blocks, options) =>
    counting(async () => ipfs.putBlocks(counted(blocks, meter), options), options)
  const hold: IpfsConnector['hold'] = options => measuredHold(ipfs.hold(options), { meter, counting })
  const replaced: Record<string, unknown> = { pin, pinWhole, hold, putBlocks }
  return overrideMethods(ipfs, (name, method) => {
    if (replaced[name] != null) return replaced[name] as typeof method
    return failing.has(name) ? watched(method, (err, args) => note(name, err, args.findLast(isOptions))) : undefined
  })
}

const isOptions = (value: unknown): value is IpfsOptions => typeof value === 'object' && value !== null && 'signal' in value

function watched (method: (...args: unknown[]) => unknown, onFailure: (err: unknown, args: unknown[]) => void): typeof method {
  return async (...args) => {
    try {
      return await method(...args)
    } catch (err) {
      onFailure(err, args)
      throw err
    }
  }
}

/** Counts batches when the node asks for the next one: what it took until then is stored or about to be. */
async function * counted (blocks: AsyncIterable<Block[]>, meter: IpfsMeter): AsyncGenerator<Block[]> {
  for await (const batch of blocks) {
    yield batch
    meter.stored(sizeOf(batch))
  }
}

interface HoldMeasure { meter: IpfsMeter, counting: (put: () => Promise<void>, options: IpfsOptions | undefined) => Promise<void> }

const measuredHold = (hold: BlockHold, { meter, counting }: HoldMeasure): BlockHold => ({
  put: async (blocks, options) => {
    await counting(async () => hold.put(blocks, options), options)
    meter.stored(sizeOf(blocks))
  },
  keepUntilPinned: async root => hold.keepUntilPinned(root),
  handOver: roots => hold.handOver(roots),
  release: () => hold.release(),
  [Symbol.dispose]: () => hold[Symbol.dispose]()
})

const sizeOf = (blocks: readonly Block[]): { count: number, bytes: number } =>
  ({ count: blocks.length, bytes: bytesOf(blocks) })
