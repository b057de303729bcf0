import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isClusterError } from '../../../../src/base/errors.ts'
import type { GroupControl } from '../../../../src/service/sql/sqlite/write-groups.ts'
import { WriteGroups } from '../../../../src/service/sql/sqlite/write-groups.ts'

/** SQLite's own transaction, as a list of what was done with it. */
class NotedControl implements GroupControl {
  readonly calls: string[] = []
  isOpen = false
  failure: Error | undefined

  async begin (): Promise<void> {
    this.calls.push('begin')
    this.isOpen = true
  }

  commit (): void {
    if (this.failure != null) throw this.failure
    this.calls.push('commit')
    this.isOpen = false
  }

  rollBack (): void {
    this.calls.push('roll back')
    this.isOpen = false
  }
}

const hand = (): {
  control: NotedControl, groups: WriteGroups, clock: { time: number },
  write: (name: string, options?: { isAhead?: boolean, work?: () => void }) => Promise<void>
} => {
  const control = new NotedControl()
  const clock = { time: 0 }
  const groups = new WriteGroups(control, { clock: { elapsed: () => clock.time } })
  const write = async (
    name: string, { isAhead = false, work = () => {} }: { isAhead?: boolean, work?: () => void } = {}
  ): Promise<void> => {
    const turn = await groups.take({ isAhead })
    await undefined
    control.calls.push(name)
    work()
    turn.end()
    await turn.committed
  }
  return { control, groups, clock, write }
}

describe('who writes next to SQLite', () => {
  it('writes alone at once, and together with all that wait otherwise', async () => {
    const { control, write } = hand()

    await write('a')
    await Promise.all([write('b'), write('c'), write('d')])

    assert.deepEqual(control.calls, ['begin', 'a', 'commit', 'begin', 'b', 'c', 'd', 'commit'])
  })

  it('lets those go ahead that work for many', async () => {
    const { control, write } = hand()

    await Promise.all([write('a'), write('b'), write('for many', { isAhead: true })])

    assert.deepEqual(control.calls, ['begin', 'a', 'for many', 'b', 'commit'])
  })

  it('commits when others have waited for long enough, and goes on behind their turn', async () => {
    const { control, clock, write } = hand()

    const writing = Promise.all([write('a', { work: () => { clock.time += 30 } }), write('b')])
    setImmediate(() => control.calls.push('others'))
    await writing

    assert.deepEqual(control.calls.slice(0, 4), ['begin', 'a', 'commit', 'others'])
    assert.deepEqual(control.calls.slice(4), ['begin', 'b', 'commit'])
  })

  it('tells all of a group that the commit failed, and goes on', async () => {
    const { control, write } = hand()
    control.failure = new Error('disk full')

    const done = await Promise.allSettled([write('a'), write('b')])
    control.failure = undefined
    await write('c')

    assert.deepEqual(
      done.map(one => one.status === 'rejected' && one.reason === done.find(other => other.status === 'rejected')?.reason), [true, true]
    )
    assert.deepEqual(control.calls, ['begin', 'a', 'b', 'roll back', 'begin', 'c', 'commit'])
  })

  it('tells those of a group that SQLite has taken back that nothing was written', async () => {
    const { control, write } = hand()

    const done = await Promise.allSettled([write('a'), write('b', { work: () => { control.isOpen = false } }), write('c')])

    assert.deepEqual(done.map(one => one.status === 'rejected' && isClusterError(one.reason, 'NOT_READY')), [true, true, false])
    assert.deepEqual(control.calls, ['begin', 'a', 'b', 'begin', 'c', 'commit'])
  })
})
