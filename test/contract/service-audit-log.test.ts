import assert from 'node:assert/strict'
import { it } from 'node:test'
import { isClusterError } from '../../src/base/errors.ts'
import { systemRandom } from '../../src/base/system.ts'
import { sqlAuditLog } from '../../src/service/audit-log/sql-audit-log.ts'
import { eachDatabase } from '../support/service-database.ts'

/** The promises of `Audit`. */
eachDatabase('audit contract', databases => {
  it('lists what was done, newest first, in pages', async () => {
    const { database } = await databases.open()
    const audit = sqlAuditLog({ database, random: systemRandom })
    for (let at = 0; at < 7; at++) {
      await database.transaction(tx => audit.record(tx, {
        actor: 'user:a', user: at % 2 === 0 ? 'a' : 'b', action: 'login', address: '127.0.0.1', details: { at }
      }))
    }

    const seen: unknown[] = []
    let cursor: string | undefined
    do {
      const page = await audit.list({ limit: 3, ...(cursor == null ? {} : { cursor }) })
      seen.push(...page.entries.map(({ details }) => (JSON.parse(details) as { at: number }).at))
      cursor = page.next ?? undefined
    } while (cursor != null)

    assert.equal(new Set(seen).size, 7)
    assert.deepEqual((await audit.list({ user: 'b' })).entries.length, 3)
    assert.deepEqual((await audit.list({ action: 'other' })), { entries: [], next: null })
    await assert.rejects(audit.list({ cursor: 'x' }), err => isClusterError(err, 'INVALID_ARGUMENT'))
  })

  it('knows nothing of what was taken back', async () => {
    const { database } = await databases.open()
    const audit = sqlAuditLog({ database, random: systemRandom })

    await assert.rejects(database.transaction(async tx => {
      await audit.record(tx, { actor: 'command-line', user: null, action: 'role' })
      throw new Error('no')
    }), /no/)

    assert.deepEqual((await audit.list()).entries, [])
  })
})
