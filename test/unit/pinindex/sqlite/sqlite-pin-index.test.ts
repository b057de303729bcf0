import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isClusterError } from '../../../../src/base/errors.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { sqlitePinIndex } from '../../../../src/pinindex/sqlite/sqlite-pin-index.ts'

const { signal } = new AbortController()

describe('the file of the pin index', () => {
  let folder: string
  let file: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'helia-cluster-pinindex-'))
    file = join(folder, 'pins.sqlite')
  })

  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('is refused when a newer version wrote it, and stays as it is', async () => {
    const db = new DatabaseSync(file)
    db.exec('PRAGMA user_version = 99; CREATE TABLE other (a)')
    db.close()
    const before = readFileSync(file)

    const started = sqlitePinIndex({ file }, { log: silentLogger }).start(signal)

    await assert.rejects(started, err => isClusterError(err, 'INVALID_DATA') && err.details.version === 99)
    assert.deepEqual(readFileSync(file), before)
  })

  it('is put aside when it is damaged', async () => {
    writeFileSync(file, 'this is no database at all, but it is long enough to look like something')
    const warnings: string[] = []
    const index = sqlitePinIndex({ file }, { log: { ...silentLogger, warn: message => { warnings.push(message) } } })

    await index.start(signal)

    assert.equal(index.size(), 0)
    assert.equal(warnings.length, 1)
    assert.deepEqual(readdirSync(folder).filter(name => name.includes('damaged')), ['pins.sqlite.damaged'])
    await index.stop()
  })

  it('has nothing of a change that failed', async () => {
    const index = sqlitePinIndex({ file }, { log: silentLogger })
    await index.start(signal)
    const good = { cid: 'a', name: '', metadata: {}, timestamp: 0 }
    const bad = { cid: 'b', name: null as unknown as string, metadata: {}, timestamp: 0 }

    assert.throws(() => index.put([good, bad], 'queued'), err => isClusterError(err, 'INTERNAL'))

    assert.equal(index.size(), 0)
    assert.equal(index.get('a'), undefined)
    index.put([good], 'queued')
    assert.equal(index.get('a')?.created, 0)
    await index.stop()
  })
})
