import { latin1 } from '../../../base/text/latin1.ts'
import type { BlockSet } from '../repository/repository.ts'

/** A block set in memory alone, some 100 bytes a block: for walks that know they are small. */
export function plainBlockSet (): BlockSet {
  const keys = new Set<string>()
  return {
    add: (multihash, kind = 0) => {
      const before = keys.size
      return keys.add(keyOf(multihash, kind)).size > before
    },
    has: (multihash, kind = 0) => keys.has(keyOf(multihash, kind)),
    room: async () => {},
    close: async () => {}
  }
}

const keyOf = (multihash: Uint8Array, kind: number): string => `${kind} ${latin1(multihash)}`
