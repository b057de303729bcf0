import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../../src/base/log.ts'
import { HeadAnnouncer } from '../../../../src/consensus/crdt/head-announcer.ts'
import { CID } from '../../../../src/model/cid.ts'
import { decodeHeads } from '../../../../src/wire/broadcast.ts'
import { quietMs } from '../../../support/poll.ts'
import { SimClock } from '../../../support/sim-clock.ts'

const most = 20_000

function cidNumber (number: number): CID {
  const bytes = new Uint8Array(36)
  bytes.set([1, 0x70, 0x12, 32])
  new DataView(bytes.buffer).setUint32(4, number)
  return CID.decode(bytes)
}

describe('what an announcer remembers of others', { timeout: quietMs(10_000) }, () => {
  const heads = Array.from({ length: most + 1 }, (_, at) => cidNumber(at))

  const announcing = () => {
    const announced: CID[] = []
    const clock = new SimClock()
    let came = (_peer: string, _listeners: number): void => {}
    const announcer = new HeadAnnouncer({ self: 'self', topic: 't', intervalMs: 1000 }, {
      broadcast: {
        publish: async (_topic: string, data: Uint8Array) => { announced.push(...decodeHeads(data)) },
        onListener: (_topic: string, told: typeof came) => {
          came = told
          return () => {}
        }
      },
      store: { completeHeads: () => heads, heads: new Map() },
      clock,
      log: silentLogger
    } as unknown as ConstructorParameters<typeof HeadAnnouncer>[1])
    announcer.start()
    return { announcer, announced, clock, came: (peer: string, listeners: number) => came(peer, listeners) }
  }

  it('are 20,000 heads between two ticks: one more is announced here, too', () => {
    const { announcer, announced } = announcing()

    announcer.heard(heads)
    announcer.rebroadcast()

    assert.deepEqual(announced.map(String), [String(heads[most])])
  })

  it('are 20,000 heads that a joining peer has heard: it is told one more', async () => {
    const { announcer, announced, clock, came } = announcing()

    came('joining', 1)
    announcer.heard(heads)
    await clock.advance(5000)

    assert.deepEqual(announced.map(String), [String(heads[most])])
  })
})
