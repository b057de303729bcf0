import assert from 'node:assert/strict'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { accessLogFile } from '../../../src/node/access-log.ts'
import { pollUntil } from '../../support/poll.ts'

describe('access log', () => {
  const folder = mkdtempSync(join(tmpdir(), 'access-log-'))
  after(() => rmSync(folder, { recursive: true }))

  it('has every line, in order', async () => {
    const file = join(folder, 'log')
    const fd = openSync(file, 'a')
    const log = accessLogFile({ fd, failed: err => assert.ifError(err) })
    const lines = Array.from({ length: 1000 }, (_, n) => `line ${n} ü`)

    for (const [n, line] of lines.entries()) {
      log(line)
      if (n % 100 === 0) await undefined
    }
    await pollUntil(() => readFileSync(file, 'utf8').endsWith('line 999 ü\n'))

    assert.equal(readFileSync(file, 'utf8'), `${lines.join('\n')}\n`)
    closeSync(fd)
  })

  it('loses lines on a full disk, says so once, and goes on', { skip: existsSync('/dev/full') ? false : 'no /dev/full' }, async () => {
    const fd = openSync('/dev/full', 'a')
    const told: unknown[] = []
    const log = accessLogFile({ fd, failed: err => told.push(err) })

    log('one')
    await pollUntil(() => told.length === 1)
    log('two')
    await new Promise(resolve => setImmediate(resolve))
    closeSync(fd)

    assert.equal((told[0] as { code: string }).code, 'ENOSPC')
    assert.equal(told.length, 1)
  })
})
