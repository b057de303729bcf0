import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { silentLogger } from '../../../../../src/base/log.ts'
import { clusterProtector } from '../../../../../src/network/host/secret/protector.ts'

describe('cluster protector', () => {
  it('takes 8 MiB in a single send', async () => {
    const [left, right] = multiaddrConnectionPair()
    const create = clusterProtector('ab'.repeat(32), { log: silentLogger })
    const protect = create({ logger: undefined as never }).protect
    const [sender, receiver] = await Promise.all([protect(left), protect(right)])
    const payload = Buffer.concat([Buffer.from('\x13/multistream/1.0.0\n'), Buffer.alloc(8 * 1024 * 1024, 'payload ')])
    const received: Buffer[] = []
    receiver.addEventListener('message', ({ data }) => { received.push(Buffer.from(data.subarray())) })

    if (!sender.send(payload)) await sender.onDrain()
    await sender.close()

    assert.ok(Buffer.concat(received).equals(payload))
  })
})
