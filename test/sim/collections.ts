import type { SimSettings } from './settings.ts'

/** True for the seeds of worlds in which garbage is collected. */
export const isCollecting = (seed: number): boolean => seed % 7 === 6

/** For some uploads at a time. Bytes. */
const room = 60

/** Users add more than there is room for. An embedded node is always there; the room is the same on all peers. */
export const withCollections = (settings: SimSettings): SimSettings => ({
  ...settings,
  peers: settings.peers.map(peer => ({ ...peer, storageBytes: room })),
  trouble: { ...settings.trouble, ipfsDown: 0 },
  items: Math.max(settings.items, 10),
  adds: Math.max(settings.adds, 0.4),
  collections: 0.1
})
