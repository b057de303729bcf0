import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { entriesOf, localPath, sizeOf } from '../../../../cmd/helia-cluster-ctl/commands/local-files.ts'
import { multipart } from '../../../../src/client/multipart.ts'

const folder = mkdtempSync(join(tmpdir(), 'ctl-bytes-'))
after(() => rmSync(folder, { recursive: true }))
const below = (...parts: Array<string | number[]>): Buffer =>
  Buffer.concat([Buffer.from(folder), ...parts.map(part => Buffer.concat([Buffer.from('/'), Buffer.from(part as string)]))])

describe('ctl and names that are bytes', { skip: process.platform === 'linux' ? false : 'other systems have names of characters' }, () => {
  it('walks a folder whose names are no UTF-8, and sends them escaped as Go does', async () => {
    mkdirSync(below('t', [0xf1], [0xff, 0x62]), { recursive: true })
    writeFileSync(below('t', [0xf1], [0xff, 0x62], [0xf2, 0x2e, 0x62]), 'deep')
    writeFileSync(below('t', [0xef, 0xbb, 0xbf, 0x78]), 'mark')
    writeFileSync(below('t', 'x'), 'none')
    symlinkSync(Buffer.from([0xf1]), below('t', 'link'))
    const root = await localPath(`${folder}/t`, { recursive: true })

    const chunks = await Array.fromAsync(
      multipart(entriesOf(root, 't', { recursive: true, hidden: false }), 'B').body() as AsyncIterable<Uint8Array>
    )

    const body = Buffer.concat(chunks).toString('latin1')
    const files = [...body.matchAll(/filename="([^"]*)".*?\r\n\r\n(.*?)\r\n--B/gs)].map(([, name, content]) => `${name}: ${content}`)
    assert.deepEqual(
      files,
      ['t: ', 't%2Flink: \xf1', 't%2Fx: none', 't%2F%EF%BB%BFx: mark', 't%2F%F1: ', 't%2F%F1%2F%FFb: ', 't%2F%F1%2F%FFb%2F%F2.b: deep']
    )
    assert.equal(await sizeOf(root, { recursive: true, hidden: false }), 12)
  })

  it('finds what the command line names so', async () => {
    const { path, stats } = await localPath(`${folder}/t/\udcf1`, { recursive: true })

    assert.deepEqual([path, stats.isDirectory()], [`${folder}/t/\udcf1`, true])
    await assert.rejects(localPath(`${folder}/t/\udcf9`, { recursive: true }), /^Error: lstat .*: no such file or directory$/)
  })
})
