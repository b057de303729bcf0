import { orAborted } from '../../base/clock.ts'
import type { BlockExchange, Broadcast } from '../network.ts'

/** The gossip of a peer without others: nobody hears, nobody speaks. */
export const offlineBroadcast = (): Broadcast => ({
  publish: async () => {},
  subscribe: () => () => {}
})

/** The block exchange of a peer without others: a fetch waits until it is aborted. */
export const offlineExchange = (): BlockExchange => ({
  fetch: async (_cid, { signal }) => orAborted(new Promise<never>(() => {}), signal),
  offer: () => {}
})
