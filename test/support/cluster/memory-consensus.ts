import { isDeepStrictEqual } from 'node:util'
import type { Consensus, PinsetChange } from '../../../src/consensus/consensus.ts'
import { Listeners } from '../../../src/base/listeners.ts'
import type { CID, PeerId } from '../../../src/model/cid.ts'
import type { Pin } from '../../../src/model/pin.ts'
import { modeOfDepth } from '../../../src/model/pin.ts'
import { pinText } from '../../../src/model/pin-json.ts'
import { wholeSeconds } from '../../../src/model/time.ts'

/** A pinset in memory that all peers of a test share: every change is everywhere at once. */
export class SharedPinset {
  readonly pins = new Map<string, Pin>()
  readonly changes = new Listeners<readonly PinsetChange[]>()
  /** How often something was committed. */
  commits = 0
}

/** A pin as a peer gets it back from the pinset. */
export const storedPin = (pin: Pin): Pin =>
  ({ ...pin, mode: modeOfDepth(pin.maxDepth), userAllocations: [], timestamp: wholeSeconds(pin.timestamp) })

export interface MemoryConsensusInit { trusts?: (peer: PeerId) => boolean, batchSize?: number }

export function memoryConsensus (
  pinset = new SharedPinset(), { trusts = () => true, batchSize = 100 }: MemoryConsensusInit = {}
): Consensus {
  const batches = function * (): Generator<Pin[]> {
    const pins = [...pinset.pins.values()]
    for (let from = 0; from < pins.length; from += batchSize) yield pins.slice(from, from + batchSize)
  }
  const change = (cid: CID, pin: Pin | undefined): void => {
    pinset.commits++
    if (pin == null) pinset.pins.delete(cid.toString())
    else pinset.pins.set(cid.toString(), pin)
    pinset.changes.emit([{ cid, pin }])
  }
  const consensus: Consensus = {
    name: 'consensus',
    start: async () => {},
    drain: async () => {},
    stop: async () => {},
    state: {
      get: cid => pinset.pins.get(cid.toString()),
      has: cid => pinset.pins.has(cid.toString()),
      wasUnpinned: async () => false,
      pins: async function * () { yield * batches() },
      jsonLines: async function * () {
        for (const batch of batches()) yield Buffer.from(batch.map(pin => `${pinText(pin)}\n`).join(''))
      },
      lines: async function * () { for (const batch of batches()) yield batch.map(pin => `${pinText(pin)}\n`) },
      size: () => pinset.pins.size
    },
    put: async pin => change(pin.cid, storedPin(pin)),
    remove: async cid => { if (pinset.pins.has(cid.toString())) change(cid, undefined) },
    replaceIf: async (expected, pin) => {
      if (!isDeepStrictEqual(pinset.pins.get(pin.cid.toString()), expected)) return false
      await consensus.put(pin)
      return true
    },
    removeIf: async expected => {
      if (!isDeepStrictEqual(pinset.pins.get(expected.cid.toString()), expected)) return false
      await consensus.remove(expected.cid)
      return true
    },
    whenWritten: async () => {},
    durable: async () => {},
    whyReadOnly: async () => '',
    onChange: listener => pinset.changes.add(listener),
    trusts,
    progress: () => ({ heads: [], height: 0, dirty: false, behind: false })
  }
  return consensus
}
