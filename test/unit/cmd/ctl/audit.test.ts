import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runCtlHere, stubApi } from '../../../support/ctl.ts'

const run = (changes: Record<string, unknown>): string => JSON.stringify({
  id: '1', peer: 'p', state: 'done', error: '', since: '2026-11-29T02:00:00Z', ended_at: '2026-11-29T02:00:01Z', pins: 2, skipped: 0, blocks: 3,
  bytes: 3000, bad: 0, bad_blocks: 0, repaired_blocks: 0, ...changes
})

async function audited (changes: Record<string, unknown>) {
  const api = await stubApi({ 'POST /audit': { body: run(changes) } })
  try {
    return await runCtlHere(['--host', api.host, 'audit', '--sample', '1%'])
  } finally {
    await api.stop()
  }
}

describe('ctl audit', () => {
  it('says that all is there only of what was looked at', async () => {
    const [some, none] = [await audited({}), await audited({ pins: 0, blocks: 0, bytes: 0 })]
    const half = await audited({ state: 'cancelled', pins: 0 })

    assert.deepEqual([some.status, none.status], [0, 0])
    assert.equal(some.stdout, 'done: 2 pins of p, 3 blocks, 3.0 kB; all of it is there\n')
    assert.equal(none.stdout, 'done: 0 pins of p, 0 blocks, 0 B; nothing was looked at\n')
    assert.equal(half.stdout, 'cancelled: 0 pins of p, 3 blocks, 3.0 kB; nothing was missing so far\n')
  })

  it('ends the one under way', async () => {
    const api = await stubApi({ 'DELETE /audit': { body: run({ state: 'cancelled', pins: 1 }) } })
    const { stdout, status } = await runCtlHere(['--host', api.host, 'audit', '--cancel']).finally(async () => api.stop())

    assert.deepEqual([status, stdout], [0, 'cancelled: 1 pin of p, 3 blocks, 3.0 kB; nothing was missing so far\n'])
  })

  it('says that it has ended when it has', async () => {
    const api = await stubApi({
      'DELETE /audit': { body: run({ state: 'running', pins: 0 }) }, 'GET /audit': { body: `[${run({ state: 'cancelled', pins: 1 })}]` }
    })
    const { stdout, status } = await runCtlHere(['--host', api.host, 'audit', '--cancel']).finally(async () => api.stop())

    assert.deepEqual([status, stdout], [0, 'cancelled: 1 pin of p, 3 blocks, 3.0 kB; nothing was missing so far\n'])
  })

  for (const more of [['--all'], ['--sample', '1%'], ['--peer', 'x'], ['--repair'], ['bafkqaaa']]) {
    it(`asks for nothing when --cancel comes with ${more.join(' ')}`, async () => {
      const api = await stubApi({})
      const { stderr, status } = await runCtlHere(['--host', api.host, 'audit', '--cancel', ...more]).finally(async () => api.stop())

      assert.equal(status, 1)
      assert.match(stderr, /--cancel ends the audit under way/)
      assert.deepEqual(api.asked, [])
    })
  }

  it('says what to do about the one under way', async () => {
    const api = await stubApi({ 'POST /audit': { status: 409, body: '{"code":409,"message":"another audit is under way"}' } })
    const { stderr, status } = await runCtlHere(['--host', api.host, 'audit', '--all']).finally(async () => api.stop())

    assert.deepEqual([status, stderr], [2, '`audit --status` says how far it is, `audit --cancel` ends it.\n'])
  })

  it('shows the latest one, and what audits found; the exit code says whether all is whole', async () => {
    const found = {
      peer: 'p', cid: 'bafkqaaa', at: '2026-11-29T02:00:01Z', state: 'repaired', blocks: 1, bytes: 9, bad_blocks: ['bafkqaaa'], bad_count: 1,
      repaired: 1, error: ''
    }
    const shown = async (results: unknown[], runs: string): Promise<[number, string]> => {
      const api = await stubApi({
        'GET /audit': { body: runs }, 'GET /audit/results': { body: results.map(row => `${JSON.stringify(row)}\n`).join('') }
      })
      const { stdout, status } = await runCtlHere(['--host', api.host, 'audit', '--status']).finally(async () => api.stop())
      return [status, stdout]
    }

    assert.deepEqual(await shown([], '[]'), [0, 'no audit since the asked peer was started\n'])
    assert.deepEqual(await shown([found], `[${run({ state: 'running' })},${run({})}]`), [
      0,
      'bafkqaaa: 1 block missing or damaged, all back again (audit of p, 2026-11-29T02:00:01Z)\n' +
        'running: 2 pins of p, 3 blocks, 3.0 kB; nothing was missing so far\n'
    ])
    assert.deepEqual(await shown([{ ...found, state: 'bad', repaired: 0 }], '[]'), [
      1, 'bafkqaaa: 1 block missing or damaged (audit of p, 2026-11-29T02:00:01Z)\nno audit since the asked peer was started\n'
    ])
  })

  it('asks for nothing when --status comes with an audit', async () => {
    for (const more of [['--all'], ['--cancel'], ['bafkqaaa']]) {
      const api = await stubApi({})
      const { status } = await runCtlHere(['--host', api.host, 'audit', '--status', ...more]).finally(async () => api.stop())
      assert.deepEqual([status, api.asked], [1, []])
    }
  })

  for (const sample of ['0x10', '1e1', '+5', ' 5', '5.', 'Infinity', '0', '101', '1%%']) {
    it(`takes no sample of ${JSON.stringify(sample)}`, async () => {
      const api = await stubApi({})
      const { stderr, status } = await runCtlHere(['--host', api.host, 'audit', `--sample=${sample}`]).finally(async () => api.stop())

      assert.deepEqual([status, api.asked], [1, []])
      assert.match(stderr, /--sample is a percentage/)
    })
  }

  it('tells pins that could not be looked at from incomplete ones', async () => {
    const result = {
      peer: 'p', cid: 'bafkqaaa', at: '2026-11-29T02:00:01Z', blocks: 0, bytes: 0, bad_blocks: [], bad_count: 0, repaired: 0, error: ''
    }
    const away = { ...result, state: 'failed', error: 'it can not be reached' }
    const outputs: string[] = []
    for (const [found, rows] of [
      [{ bad: 1, failed: 1 }, [away]],
      [{ bad: 2, failed: 1, bad_blocks: 1 }, [away, { ...result, state: 'bad', bad_count: 1, bad_blocks: ['bafkqaaa'] }]]
    ] as const) {
      const api = await stubApi({
        'POST /audit': { body: run(found) }, 'GET /audit/results': { body: rows.map(row => `${JSON.stringify(row)}\n`).join('') }
      })
      const { stdout, status } = await runCtlHere(['--host', api.host, 'audit', '--all']).finally(async () => api.stop())
      assert.equal(status, 1)
      outputs.push(stdout.trimEnd().split('\n').at(-1) ?? '')
    }

    assert.deepEqual(outputs, [
      'done: 2 pins of p, 3 blocks, 3.0 kB; 1 pin could not be looked at',
      'done: 2 pins of p, 3 blocks, 3.0 kB; 1 pin was incomplete, 1 block missing or damaged, 0 fetched again; 1 pin could not be looked at'
    ])
  })
})
