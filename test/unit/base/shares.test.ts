import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Share } from '../../../src/base/shares.ts'
import { sharesMemory, sharesOf } from '../../../src/base/shares.ts'

describe('shares of threads', () => {
  it('add up what the others have told, figure by figure', () => {
    const memory = sharesMemory(3, 2)
    const [one, two, three] = [0, 1, 2].map(thread => sharesOf({ memory, figures: 2, thread })) as [Share[], Share[], Share[]]

    one[0]?.tell(5)
    two[0]?.tell(7)
    two[0]?.tell(8)
    three[1]?.tell(100)

    assert.deepEqual([one, two, three].map(shares => shares.map(share => share.others())), [[8, 100], [5, 100], [13, 0]])
  })
})
