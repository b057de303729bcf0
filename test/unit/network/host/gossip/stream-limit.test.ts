import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Stream } from '@libp2p/interface'
import { silentLogger } from '../../../../../src/base/log.ts'
import { limitStreams } from '../../../../../src/network/host/gossip/stream-limit.ts'
import { SimClock } from '../../../../support/sim-clock.ts'

describe('the limit of incoming streams', () => {
  async function limited (clock: SimClock): Promise<{ came: (bytes: number) => void, isPaused: () => boolean }> {
    let isPaused = false
    const stream = {
      status: 'open', protocol: '/test', onData: () => {}, pause: () => { isPaused = true }, resume: () => { isPaused = false }
    }
    let handle: (stream: Stream, connection: { remotePeer: string }) => Promise<void> = async () => {}
    const components = limitStreams({ bytesPerSecond: 1000, burstBytes: 2000 }, { clock, log: silentLogger }, {
      registrar: { handle: async (_: string, handler: typeof handle) => { handle = handler } }
    })
    await components.registrar.handle('/test', async () => {})
    await handle(stream as unknown as Stream, { remotePeer: 'peer' })
    const { onData } = stream as unknown as { onData: (data: { byteLength: number }) => void }
    return { came: bytes => onData({ byteLength: bytes }), isPaused: () => isPaused }
  }

  it('pauses who sends too much until half of the burst is paid for', async () => {
    const clock = new SimClock()
    const { came, isPaused } = await limited(clock)

    came(2000)
    const within = isPaused()
    came(1000)
    const beyond = isPaused()
    await clock.advance(1999)
    const soon = isPaused()
    await clock.advance(1)

    assert.deepEqual([within, beyond, soon, isPaused()], [false, true, true, false])
  })

  it('does not pause anybody because the clock was set back', async () => {
    const clock = new SimClock()
    const { came, isPaused } = await limited(clock)
    came(100)
    clock.wrongMs = -48 * 3_600_000

    came(100)

    assert.ok(!isPaused())
  })
})
