import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MergedOnDisk } from '../../../../src/consensus/crdt/merged-on-disk.ts'

function slowDisk () {
  const open: Array<PromiseWithResolvers<void>> = []
  const merged = new MergedOnDisk({
    write: async () => {
      const one = Promise.withResolvers<void>()
      open.push(one)
      await one.promise
    }
  })
  return { merged, open }
}

describe('what was merged', () => {
  it('is synced when somebody asks for it, once for all who ask at the same time', async () => {
    const { merged, open } = slowDisk()
    await merged.sync() // nothing was merged
    merged.note()

    const asked = [merged.sync(), merged.sync()]
    open[0]?.resolve()
    await Promise.all(asked)
    await merged.sync()

    assert.equal(open.length, 1)
  })

  it('is synced once more when it came behind a sync that was under way', async () => {
    const { merged, open } = slowDisk()
    merged.note()
    const first = merged.sync()
    merged.note()
    let isOver = false

    const second = merged.sync().then(() => { isOver = true })
    open[0]?.resolve()
    await first
    await Promise.resolve()
    const before = isOver
    open[1]?.resolve()
    await second

    assert.deepEqual([before, open.length], [false, 2])
  })

  it('fails with the disk, and is tried again', async () => {
    const { merged, open } = slowDisk()
    merged.note()

    const failing = merged.sync()
    open[0]?.reject(new Error('no room'))
    await assert.rejects(failing, /no room/)
    const again = merged.sync()
    open[1]?.resolve()
    await again

    assert.equal(open.length, 2)
  })
})
