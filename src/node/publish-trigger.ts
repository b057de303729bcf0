import type { IpfsConnector } from '../ipfs/ipfs.ts'
import { overridden } from '../observe/overridden.ts'

export interface PublishTriggerInit {
  /** Pins and unpins between two calls of `publish`; 0: never. */
  every: number
  publish (): void
}

/** The same node; it has the metrics published each time so many pins and unpins have succeeded, because free space and queue are then different. */
export function withPublishTrigger<T extends IpfsConnector> (ipfs: T, { every, publish }: PublishTriggerInit): T {
  if (every === 0) return ipfs
  let count = 0
  const counted = <Args extends unknown[]>(method: (...args: Args) => Promise<void>) => async (...args: Args): Promise<void> => {
    await method(...args)
    if (++count % every === 0) publish()
  }
  const replaced: Record<string, unknown> = { pin: counted(ipfs.pin.bind(ipfs)), unpin: counted(ipfs.unpin.bind(ipfs)) }
  return overridden(ipfs, name => replaced[name] as never)
}
