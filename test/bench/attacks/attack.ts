/** The peer that is attacked: a process of its own, alone in its cluster. */
export interface Attacked {
  /** REST, IPFS gateway and IPFS proxy, without a path. */
  url: string
  gateway: string
  proxy: string
  pid: number
  /** Of its cluster: for attackers that have it. */
  secret: string
  /** Where its cluster host listens, with /p2p. */
  address: string
}

/** One way to make a peer busy, as data. */
export interface Attack {
  name: string
  /**
   * Goes on until it is done or the signal aborts, whichever comes first; what it throws is told in the table. Must leave nothing open. Its
   * text is told, too.
   */
  run (peer: Attacked, signal: AbortSignal): Promise<string | void>
}
