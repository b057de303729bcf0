import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseCid } from '../../../../src/model/cid.ts'
import type { Pin } from '../../../../src/model/pin.ts'
import { defaultPinOptions, pinWithOptions } from '../../../../src/model/pin.ts'
import type { Step } from '../../../../src/service/cluster-pins/apply.ts'
import { nextStep } from '../../../../src/service/cluster-pins/apply.ts'
import { isMarked, markOf } from '../../../../src/service/cluster-pins/mark.ts'

const cid = parseCid('bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku')
const pinWith = (change: Partial<Pin>): Pin => ({ ...pinWithOptions(cid, defaultPinOptions()), ...change })
const ours = pinWith({ metadata: markOf('me'), origins: ['/ip4/203.0.113.1/tcp/4001'] })
const theirs = pinWith({ metadata: { app: 'theirs' } })
const step = (row: { want: 'pin' | 'unpin', origins?: string[], replicas?: number, wanted_replicas?: number }, pin?: Pin): Step =>
  nextStep({ replicas: 0, wanted_replicas: 0, ...row, origins: JSON.stringify(row.origins ?? []) }, pin, 'me')

describe('what the pinset needs', () => {
  it('pins what is not there, and takes what is there as it is', () => {
    assert.equal(step({ want: 'pin' }), 'pin')
    assert.equal(step({ want: 'pin' }, ours), 'nothing')
    assert.equal(step({ want: 'pin' }, theirs), 'nothing')
  })

  it('removes what the service has made and nothing else', () => {
    assert.equal(step({ want: 'unpin' }, ours), 'unpin')
    assert.equal(step({ want: 'unpin' }, theirs), 'nothing')
    assert.equal(step({ want: 'unpin' }, pinWith({ metadata: markOf('another service') })), 'nothing')
    assert.equal(step({ want: 'unpin' }), 'nothing')
  })

  it('makes a pin of the root alone recursive', () => {
    assert.equal(step({ want: 'pin' }, pinWith({ maxDepth: 0, mode: 'direct' })), 'make-recursive')
  })

  it('pins its own again for new addresses, and leaves those of others', () => {
    assert.equal(step({ want: 'pin', origins: ['/ip4/203.0.113.1/tcp/4001'] }, ours), 'nothing')
    assert.equal(step({ want: 'pin', origins: ['/ip4/203.0.113.2/tcp/4001'] }, ours), 'pin-again')
    assert.equal(step({ want: 'pin', origins: ['/ip4/203.0.113.2/tcp/4001'] }, theirs), 'nothing')
  })

  it('has the cluster try again what is known not to be whole', () => {
    assert.equal(step({ want: 'pin', replicas: 1, wanted_replicas: 2 }, ours), 'recover')
    assert.equal(step({ want: 'pin', replicas: 2, wanted_replicas: 2 }, ours), 'nothing')
  })
})

describe('the mark of a service', () => {
  it('is known by its own service only', () => {
    assert.ok(isMarked({ metadata: { ...markOf('me'), other: 'x' } }, 'me'))
    assert.ok(!isMarked({ metadata: markOf('me') }, 'you'))
    assert.ok(isMarked({ metadata: markOf('me', 'ann') }, 'me'))
    assert.deepEqual(markOf('me', 'ann').tenant, 'ann')
    assert.ok(!isMarked({ metadata: {} }, 'me'))
  })
})
