import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Delegates } from '../../../../src/api/common/delegates.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { SimClock } from '../../../support/sim-clock.ts'

it('an answer names 20 delegates', async () => {
  const of = async (count: number): Promise<number> => {
    const addresses = Array.from({ length: count }, (_, at) => `/ip4/10.0.0.1/tcp/${at + 1}`)
    const cluster = {
      peer: 'self', info: async () => ({ id: 'self', ipfs: { id: 'node', addresses, error: '' } }), peers: async function * () {}
    }
    const delegates = new Delegates(
      { cluster, clock: new SimClock(), log: silentLogger } as unknown as ConstructorParameters<typeof Delegates>[0]
    )
    await delegates.refresh()
    return delegates.of({ allocations: [] }).length
  }

  assert.deepEqual([await of(19), await of(20), await of(21)], [19, 20, 20])
})
