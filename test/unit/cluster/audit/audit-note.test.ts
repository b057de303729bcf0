import assert from 'node:assert/strict'
import { it } from 'node:test'
import { auditNote, AuditRows } from '../../../../src/cluster/audit/audit-rows.ts'
import type { AuditResult } from '../../../../src/cluster/cluster-api.ts'
import { memoryDatastore } from '../../../support/memory-datastore.ts'
import { cidFor } from '../../../support/pins.ts'

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
