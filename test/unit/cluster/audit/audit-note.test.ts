import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Listeners } from '../../../../src/base/listeners.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import type { CID } from 'multiformats/cid'
import { AuditRows } from '../../../../src/cluster/audit/audit-rows.ts'
import type { AuditResult } from '../../../../src/cluster/cluster-api.ts'
import { forgetAudits } from '../../../../src/node/compose/compose-tracker.ts'
import type { OperationChange } from '../../../../src/tracker/tracker.ts'
import { memoryDatastore } from '../../../support/memory-datastore.ts'
import { cidFor } from '../../../support/pins.ts'
import { pollUntil } from '../../../support/poll.ts'

it('the status of a pin tells what the latest audit found, as long as it is incomplete', async () => {
  const datastore = memoryDatastore()
  await datastore.start(new AbortController().signal)
  const cid = cidFor('item')
  const result: AuditResult = {
    peer: 'me', cid, at: Date.UTC(2026, 10, 29, 2), state: 'bad', blocks: 7, bytes: 700, badBlocks: [], badCount: 3, repaired: 1, error: ''
  }
  const rows = new AuditRows({ self: 'me' }, { datastore })
  const notes: string[] = []
  for (const change of [
    {}, { state: 'failed', error: 'the disk fails' }, { state: 'repaired' }, { state: 'good' }
  ] as Array<Partial<AuditResult>>) {
    await rows.put({ ...result, ...change })
    notes.push(rows.noteOf(cid))
  }

  assert.deepEqual(notes, [
    'the audit of 2026-11-29T02:00:00Z found 2 of its blocks missing or damaged',
    'the audit of 2026-11-29T02:00:00Z could not read it: the disk fails', '', ''
  ])
})

it('which pins of this peer are damaged is known after a restart, counted once each, and not of those of other peers', async () => {
  const datastore = memoryDatastore()
  await datastore.start(new AbortController().signal)
  const [one, two, three] = [cidFor('one'), cidFor('two'), cidFor('three')] as const
  const result = (cid: CID, state: AuditResult['state'], peer = 'me'): AuditResult =>
    ({ peer, cid, at: 0, state, blocks: 1, bytes: 1, badBlocks: [], badCount: 1, repaired: 0, error: 'EIO' })
  const before = new AuditRows({ self: 'me' }, { datastore })
  for (const row of [
    result(one, 'bad'), result(one, 'failed'), result(two, 'bad'), result(three, 'good'), result(three, 'bad', 'another')
  ]) await before.put(row)

  const rows = new AuditRows({ self: 'me' }, { datastore })
  const unknown = rows.noteOf(one)
  await rows.load(new AbortController().signal)

  assert.deepEqual([before.damagedCount, rows.damagedCount, unknown], [2, 2, ''])
  assert.match(rows.noteOf(one), /could not read it: EIO/)
  assert.equal(rows.noteOf(three), '')
  await rows.put(result(one, 'repaired'))
  await rows.forget(cid => cid.equals(two))
  assert.deepEqual([rows.damagedCount, rows.noteOf(one), rows.noteOf(two)], [0, '', ''])
})

it('what an audit found ends with the pin on this peer, whether it is unpinned or others hold it, and not before', async () => {
  const datastore = memoryDatastore()
  await datastore.start(new AbortController().signal)
  const rows = new AuditRows({ self: 'me' }, { datastore })
  const changes = new Listeners<OperationChange>()
  forgetAudits({ tracker: { onOperation: listener => changes.add(listener) }, self: 'me', rows, log: silentLogger })
  const [stays, unpinned, moved] = [cidFor('stays'), cidFor('unpinned'), cidFor('moved')] as const
  for (const peer of ['me', 'another']) {
    for (const cid of [stays, unpinned, moved]) {
      await rows.put({ peer, cid, at: 1, state: 'bad', blocks: 0, bytes: 0, badBlocks: [], badCount: 1, repaired: 0, error: '' })
    }
  }
  // as the tracker's own, whose CID is made when it is asked for
  const emit = (of: CID, status: OperationChange['status']): void => changes.emit(new class implements OperationChange {
    readonly #of = of
    readonly status = status
    readonly error = ''
    readonly attempts = 1
    cid (): CID { return this.#of }
  }())

  for (const status of ['pinned', 'pinning', 'pin_queued', 'pin_error', 'unpin_queued', 'unpinning', 'unpin_error'] as const) emit(stays, status)
  emit(unpinned, 'unpinned')
  emit(moved, 'remote')
  emit(cidFor('nobody has looked at'), 'unpinned')

  await pollUntil(() => [unpinned, moved].every(cid => rows.get('me', cid) == null))
  assert.notEqual(rows.get('me', stays), undefined)
  assert.notEqual(rows.get('another', unpinned), undefined, 'what another peer holds is another matter')
})
