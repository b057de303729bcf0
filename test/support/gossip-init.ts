import type { GossipInit } from '../../src/network/libp2p/gossip.ts'

/** Go's defaults, with a quick heartbeat. */
export const gossipInit = (self: string): GossipInit =>
  ({ self, heartbeatIntervalMs: 200, dFactor: 4, historyLength: 6, historyGossip: 2, floodPublish: false, peerExchange: true })
