/**
 * Room on the disk that is kept for the way out of a full one: to unpin and to collect garbage takes room before it gives any. It is given
 * up when such work finds none, and taken again when there is room for more than it.
 */
export interface DiskReserve {
  /** Bytes that are kept when all is well; 0: nothing is. */
  sizeBytes (): number
  /** Bytes of it that are given up. They belong to the way out: nobody else may count on them. */
  lackBytes (): number
  /** What the disk has at this moment, whoever it belongs to. */
  freeBytes (): Promise<number>
  /** Gives up what is left of it. Never rejects. */
  giveUp (): Promise<void>
  /** Throws STORAGE_FULL while the disk has only what was given up. Costs nothing as long as the reserve is there. */
  checkRoom (): Promise<void>
}

/** For stores that live in memory, and folders of a moment. */
export const noReserve: DiskReserve = {
  sizeBytes: () => 0,
  lackBytes: () => 0,
  freeBytes: async () => Infinity,
  giveUp: async () => {},
  checkRoom: async () => {}
}
