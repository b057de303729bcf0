import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { IpfsConnector } from '../../../src/ipfs/ipfs.ts'
import { withPublishTrigger } from '../../../src/node/publish-trigger.ts'
import { pinFor } from '../../support/pins.ts'

class Node {
  readonly #name = 'node'
  fails = false
  async pin (): Promise<void> { if (this.fails) throw new Error(this.#name) }
  async unpin (): Promise<void> {}
  async id (): Promise<string> { return this.#name }
}

describe('metrics that are published by the number of pins', () => {
  it('come after so many pins and unpins that succeeded', async () => {
    const node = new Node()
    let published = 0
    const ipfs = withPublishTrigger(node as unknown as IpfsConnector, { every: 3, publish: () => { published++ } })
    const counts: number[] = []

    for (const step of ['pin', 'unpin', 'fail', 'pin', 'pin', 'unpin', 'unpin']) {
      node.fails = step === 'fail'
      await (step === 'unpin' ? ipfs.unpin(pinFor('a').cid) : ipfs.pin(pinFor('a'))).catch(() => {})
      counts.push(published)
    }

    assert.deepEqual(counts, [0, 0, 0, 1, 1, 1, 2])
    assert.equal(await ipfs.id() as unknown, 'node')
  })

  it('leave the node alone when they are off', () => {
    const node = new Node() as unknown as IpfsConnector

    const same = withPublishTrigger(node, { every: 0, publish: () => assert.fail() })

    assert.equal(same, node)
  })
})
