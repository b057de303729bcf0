import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { healthOf, type HealthDeps } from '../../../src/cluster/status/health.ts'

const depsOf = (
  {
    isStarted = true, behind = false, dirty = false, setAside = 0, id = async () => ({ id: 'x', addresses: [], error: '' })
  }: { isStarted?: boolean, behind?: boolean, dirty?: boolean, setAside?: number, id?: HealthDeps['ipfs']['id'] }
): HealthDeps => ({
  isStarted: () => isStarted,
  consensus: {
    progress: () => ({ heads: [], height: 7, dirty, behind }), state: { size: () => 3 } as HealthDeps['consensus']['state'],
    whyReadOnly: async () => ''
  },
  ipfs: { id },
  tracker: { setAsideCount: () => setAside }
})

describe('the health of a peer', () => {
  it('is fine when nothing is wrong', async () => {
    const health = await healthOf(depsOf({}))

    assert.deepEqual(health, { problems: [], pins: 3, heads: 0, height: 7 })
  })

  it('says whether none of the connected members is heard, or only some are not', async () => {
    const problemsOf = async (silent: string[], heard: number): Promise<string[]> => (await healthOf({
      ...depsOf({}), gossip: { health: () => ({ silent, heard }) }
    })).problems

    assert.deepEqual(await problemsOf([], 0), [])
    assert.deepEqual(await problemsOf([], 2), [])
    assert.deepEqual(await problemsOf(['one'], 1), ['peers_silent'])
    assert.deepEqual(await problemsOf(['one', 'two'], 0), ['gossip_silent'])
  })

  it('says that it reaches none of those that it knows, unless those that are connected are silent', async () => {
    const problemsOf = async (isIsolated: boolean, silent: string[]): Promise<string[]> => (await healthOf({
      ...depsOf({}), gossip: { health: () => ({ silent, heard: 0 }) }, isolation: { isIsolated: () => isIsolated }
    })).problems

    assert.deepEqual(
      [await problemsOf(false, []), await problemsOf(true, []), await problemsOf(true, ['one'])], [[], ['isolated'], ['gossip_silent']]
    )
  })

  it('says when no pin can be written', async () => {
    const deps = depsOf({})

    const health = await healthOf({ ...deps, consensus: { ...deps.consensus, whyReadOnly: async () => 'the disk is full' } })

    assert.deepEqual(health.problems, ['read_only'])
  })

  it('says that other peers can not reach it yet', async () => {
    assert.deepEqual((await healthOf(depsOf({ isStarted: false }))).problems, ['starting'])
  })

  it('says that pins wait during which it ended', async () => {
    assert.deepEqual((await healthOf(depsOf({ setAside: 2 }))).problems, ['pins_set_aside'])
  })

  it('says that an audit found pins damaged', async () => {
    const problemsOf = async (damagedPins: number): Promise<string[]> =>
      (await healthOf({ ...depsOf({}), audits: { damagedPins } })).problems

    assert.deepEqual([await problemsOf(0), await problemsOf(2)], [[], ['pins_damaged']])
  })

  it('says when a denylist can not be used as it is', async () => {
    const problemsOf = async (...faults: string[]): Promise<string[]> => (await healthOf({
      ...depsOf({}), denylist: { lists: () => faults.map(fault => ({ fault })) }
    })).problems

    assert.deepEqual([await problemsOf(), await problemsOf('', ''), await problemsOf('', 'it is not there')], [[], [], ['denylist_broken']])
  })

  it('says that a trusted peer has another pinset, and that heads of others stay away', async () => {
    const problemsOf = async (outOfSync: string[], isBehind: boolean): Promise<string[]> => (await healthOf({
      ...depsOf({}), sync: { outOfSync: () => outOfSync, isBehind }
    })).problems

    assert.deepEqual(
      [await problemsOf([], false), await problemsOf(['one'], false), await problemsOf([], true)], [[], ['out_of_sync'], ['behind']]
    )
  })

  it('names all that is wrong, also when the node fails to answer at all', async () => {
    const told = await healthOf(depsOf({
      behind: true, dirty: true, id: async () => ({ id: '', addresses: [], error: 'connection refused' })
    }))
    const failed = await healthOf(depsOf({ id: async () => { throw new Error('gone') } }))

    assert.deepEqual(told.problems, ['behind', 'dirty', 'ipfs_unavailable'])
    assert.deepEqual(failed.problems, ['ipfs_unavailable'])
  })
})
