import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { uploadEntries } from '../../../src/api/common/upload.ts'
import { bytesOfText } from '../../../src/base/text/byte-text.ts'
import { parts } from '../../../src/http/request/multipart.ts'
import { findEntry, listEntries, readNode } from '../../../src/ipfs/helia/unixfs/directory.ts'
import { byteNames, escapedBytes, formOf, manyByteNames } from '../../support/byte-names.ts'
import { eachOf, importAll, KeepingSink } from '../../support/imports.ts'
import { quietMs } from '../../support/poll.ts'

/** A name in a quoted header, byte by byte but for what can't stand there, or would be read as an escape. */
const quoted = (name: Buffer): Buffer => Buffer.concat(Array.from(name, byte =>
  byte < 32 || byte === 127 || '%+"\\'.includes(String.fromCharCode(byte))
    ? Buffer.from(escapedBytes(Buffer.from([byte])))
    : Buffer.from([byte])))

const upload = async (body: Buffer, sink = new KeepingSink()): Promise<{ root: string, lines: number, sink: KeepingSink }> => {
  const outputs = await importAll(uploadEntries(parts(eachOf([body]), 'Xb')), { query: { 'cid-version': '1' }, sink })
  return { root: String(outputs.at(-1)?.cid), lines: outputs.length, sink }
}

const plain = byteNames().map((name, at) => ({ name, content: `content ${at}` }))
const sharded = manyByteNames().map((name, at) => ({ name, content: `c${at}` }))
/** What ipfs-cluster 1.1.6 pins for these uploads. */
const plainRoot = 'bafybeievsrtzu6utqm2uovecgxx4o2g2wjv3cu4hwq4qespyk23ikjk2ci'
const shardedRoot = 'bafybeidgnug5rlkbstnppwwxsfjmhsqrbaf544ghlj5cjywxxvti6b7hj4'

const escapedForm = (entries: typeof plain): Buffer =>
  formOf(entries.map(({ name, content }) => ({ filename: `n/${escapedBytes(name)}`, content })))
/** With a symbolic link that leads to bytes. */
const shardedForm = Buffer.concat([
  escapedForm(sharded).subarray(0, -'--Xb--\r\n'.length),
  formOf([{ filename: 'n/link', content: Buffer.from([0xf1, 0x2f, 0xf2]), type: 'application/symlink' }])
])

describe('names that are bytes', { timeout: quietMs(20_000) }, () => {
  it('are all in the directory that Go makes, escaped in the upload or not', async () => {
    const escaped = await upload(escapedForm(plain))
    const raw = await upload(
      formOf(plain.map(({ name, content }) => ({ filename: Buffer.concat([Buffer.from('n/'), quoted(name)]), content })))
    )

    assert.deepEqual([escaped.root, escaped.lines], [plainRoot, 201])
    assert.deepEqual([raw.root, raw.lines], [plainRoot, 201])
  })

  it('are all in the sharded directory that Go makes', async () => {
    const { root, lines } = await upload(shardedForm)

    assert.deepEqual([root, lines], [shardedRoot, 6202])
  })

  for (const [what, form, entries] of [['a plain', escapedForm(plain), plain], ['a sharded', shardedForm, sharded]] as const) {
    it(`are found and listed in ${what} directory, each with its own content`, async () => {
      const { sink } = await upload(form)
      const blocks = new Map(sink.blocks.map(({ cid, bytes }) => [String(cid), bytes]))
      const get = async (cid: unknown): Promise<Uint8Array> => blocks.get(String(cid)) ?? assert.fail('a block is missing')
      const node = await readNode(sink.blocks.at(-1)?.cid as never, get)
      const expected = new Map(entries.map(({ name, content }) => [name.toString('latin1'), content]))

      const listed = new Map<string, string>()
      for await (const { name, cid } of listEntries(node, get)) {
        assert.equal(String(await findEntry(node, name, get)), String(cid))
        if (name !== 'link') listed.set(bytesOfText(name).toString('latin1'), Buffer.from(await get(cid)).toString())
      }

      assert.deepEqual(listed, expected)
      assert.equal(await findEntry(node, 'x\udcf1', get), undefined)
    })
  }
})
