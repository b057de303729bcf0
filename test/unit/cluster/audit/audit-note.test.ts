import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Listeners } from '../../../../src/base/listeners.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import type { CID } from 'multiformats/cid'
import { auditNote, AuditRows } from '../../../../src/cluster/audit/audit-rows.ts'
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
  const notes: string[] = []
  for (const change of [
    {}, { state: 'failed', error: 'the disk fails' }, { state: 'repaired' }, { state: 'good' }
  ] as Array<Partial<AuditResult>>) {
    await new AuditRows(datastore).put({ ...result, ...change })
    notes.push(auditNote(cid, { self: 'me', datastore }))
  }

  assert.deepEqual(notes, [
    'the audit of 2026-11-29T02:00:00Z found 2 of its blocks missing or damaged',
    'the audit of 2026-11-29T02:00:00Z could not read it: the disk fails', '', ''
  ])
  assert.equal(auditNote(cid, { self: 'another', datastore }), '')
})

it('what an audit found ends with the pin on this peer, whether it is unpinned or others hold it, and not before', async () => {
  const datastore = memoryDatastore()
  await datastore.start(new AbortController().signal)
  const rows = new AuditRows(datastore)
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
