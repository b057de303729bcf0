import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ipnsKeyText } from '../../src/model/ipns-name.ts'
import { startHelia } from '../support/helia.ts'
import { kuboProgram, startKubo } from '../support/kubo.ts'
import { pollUntil } from '../support/poll.ts'

describe('names between a Kubo and the embedded node, by the DHT on 127.0.0.1', {
  skip: kuboProgram == null ? 'there is no Kubo: no `ipfs` on the path or in $GO_BIN' : false
}, () => {
  it('go both ways', { timeout: 60_000 }, async () => {
    const [kubo, node] = await Promise.all(
      [startKubo(kuboProgram ?? '', [['Routing', '{"Type":"dhtserver"}']]), startHelia({ dht: 'server' })]
    )
    try {
      const { ID: kuboId, Addresses: addresses } = await (await kubo.call('id')).json() as { ID: string, Addresses: string[] }
      await node.connector.ready()
      await node.connector.connect(addresses)
      const { names } = node.connector
      // the routing table learns of a peer a moment after it is connected
      await pollUntil(async () => names.publish('/ipfs/bafkqaaa/from-here', { key: 'self' }).then(() => true, () => false))
      const own = (await names.keys.list())[0]?.id ?? ''

      const there = await (await kubo.call(`name/resolve?arg=${ipnsKeyText(own)}&nocache=true&dht-timeout=20s`)).json()
      await (await kubo.call('name/publish?arg=/ipfs/bafkqaaa/from-kubo&resolve=false&allow-offline=true')).text()
      const here = await names.resolveName(kuboId)

      assert.deepEqual([there, here.value], [{ Path: '/ipfs/bafkqaaa/from-here' }, '/ipfs/bafkqaaa/from-kubo'])
    } finally {
      await Promise.all([kubo.close(), node.close()])
    }
  })
})
