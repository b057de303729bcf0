/** Our own protocol between cluster peers (docs/design/wire/history.md). Go peers don't speak it. */
export const historyProtocol = '/helia-cluster/history/1.0.0'
