import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ipnsKeyText } from '../../../../src/model/ipns-name.ts'
import { makeNames } from '../../../support/names.ts'
import { quietMs } from '../../../support/poll.ts'
import { jsonOf, proxyPeer, uploadOf } from '../../../support/proxy-peer.ts'

const publish = 'name/publish?arg=/ipfs/bafkqaaa/a&resolve=false&allow-offline=true'

describe('names through the proxy', () => {
  it('published on one node are put into another, and resolved there', async () => {
    const [author, reader] = [proxyPeer(), proxyPeer()]
    const { Name: name } = jsonOf(await author.ask(publish))
    const got = jsonOf(await author.ask(`routing/get?arg=/ipns/${name}`))
    const record = Buffer.from(got.Extra, 'base64')

    const put = await reader.ask(`routing/put?arg=/ipns/${name}&allow-offline=true`, uploadOf(record))

    assert.deepEqual([got.ID, got.Type, got.Responses], ['', 5, null])
    assert.match(put.body.toString(), /^\{"ID":"12D3KooW\w+","Type":5,"Responses":null,"Extra":""\}\n$/)
    assert.deepEqual(jsonOf(await reader.ask(`name/resolve?arg=${name}`)), { Path: '/ipfs/bafkqaaa/a' })
    assert.deepEqual(jsonOf(await reader.ask(`name/resolve?arg=ipns://${name}/b/`)), { Path: '/ipfs/bafkqaaa/a/b/' })
  })

  it('are refused with the reason when the record is not to be trusted, where Kubo says nothing', async () => {
    const { names, self } = makeNames()
    const peer = proxyPeer({ names })
    await names.publish('/ipfs/bafkqaaa', { key: 'self', allowOffline: true })
    const { bytes } = await names.recordOf(self)
    const other = ipnsKeyText(makeNames().self)

    const replies = [
      await peer.ask(`routing/put?arg=/ipns/${other}&allow-offline=true`, uploadOf(bytes)),
      await peer.ask(`routing/put?arg=/ipns/${other}&allow-offline=true`, uploadOf('nonsense')),
      await peer.ask(`routing/put?arg=/ipns/${other}&allow-offline=true`, uploadOf(new Uint8Array(20_000))),
      await peer.ask(`routing/put?arg=/ipns/${ipnsKeyText(self)}`, uploadOf(bytes)),
      await peer.ask(`routing/put?arg=${ipnsKeyText(self)}`, uploadOf(bytes)),
      await peer.ask(`routing/get?arg=/ipns/${other}`),
      await peer.ask(`routing/get?arg=/pk/${other}`)
    ]

    assert.deepEqual(replies.map(({ status }) => status), replies.map(() => 500))
    assert.deepEqual(replies.map(reply => jsonOf(reply).Message.replace(/invalid bytes: .*/, 'invalid bytes')), [
      'signature verification failed', 'invalid bytes', 'the value-file is longer than 10241 bytes',
      'can\'t put while offline: pass `--allow-offline` to override', 'invalid key', 'routing: not found', 'invalid key'
    ])
  })

  it('that nobody published have an empty stream, and an error without one', async () => {
    const peer = proxyPeer()
    const name = ipnsKeyText(makeNames().self)

    const [stream, plain] = [await peer.ask(`name/resolve?arg=${name}&stream=true`), await peer.ask(`name/resolve?arg=${name}`)]

    assert.deepEqual([stream.status, stream.body.length], [200, 0])
    assert.deepEqual([plain.status, jsonOf(plain).Message], [500, 'could not resolve name'])
  })

  it('lead to what other commands work on', async () => {
    const { names } = makeNames({
      fixed: new Map([['a.example', '/ipfs/bafyreigaknpexyvxt76zgkitavbwx6ejgfheup5oybpm77f3pxzrvwpfdi'], ['b.example', '/ipns/a.example']])
    })
    const peer = proxyPeer({ names })

    const [resolved, step] = [
      await peer.ask('dag/resolve?arg=/ipns/b.example'), await peer.ask('resolve?arg=/ipns/b.example/x&recursive=false')
    ]

    assert.equal(jsonOf(resolved).Cid['/'], 'bafyreigaknpexyvxt76zgkitavbwx6ejgfheup5oybpm77f3pxzrvwpfdi')
    assert.deepEqual(jsonOf(step), { Path: '/ipns/a.example/x' })
  })

  it('take records of 10 KiB and say of longer ones that they are, keys of 64 KiB and texts to sign of 4 MiB', {
    timeout: quietMs(10_000)
  }, async () => {
    const { names, self } = makeNames()
    const peer = proxyPeer({ names })
    const put = async (sizeBytes: number): Promise<string> =>
      jsonOf(await peer.ask(`routing/put?arg=/ipns/${ipnsKeyText(self)}&allow-offline=true`, uploadOf(new Uint8Array(sizeBytes)))).Message
    const importKey = async (sizeBytes: number): Promise<string> =>
      jsonOf(await peer.ask('key/import?arg=x', uploadOf(new Uint8Array(sizeBytes)))).Message
    const sign = async (sizeBytes: number): Promise<any> => jsonOf(await peer.ask('key/sign', uploadOf(new Uint8Array(sizeBytes))))

    assert.match(await put(10 * 1024), /^invalid bytes: (?!record exceeds)/)
    assert.equal(await put(10 * 1024 + 1), 'invalid bytes: record exceeds allowed size limit')
    assert.equal(await put(10 * 1024 + 2), 'the value-file is longer than 10241 bytes')
    assert.doesNotMatch(await importKey(64 * 1024), /is longer than/)
    assert.equal(await importKey(64 * 1024 + 1), 'the key is longer than 65536 bytes')
    const { Signature: signature } = await sign(4 * 1024 * 1024)
    assert.ok(signature.length > 80)
    assert.equal((await sign(4 * 1024 * 1024 + 1)).Message, 'the data is longer than 4194304 bytes')
    assert.equal(
      jsonOf(await peer.ask(`key/verify?signature=${signature}`, uploadOf(new Uint8Array(4 * 1024 * 1024)))).SignatureValid, true
    )
    assert.equal(
      jsonOf(await peer.ask(`key/verify?signature=${signature}`, uploadOf(new Uint8Array(4 * 1024 * 1024 + 1)))).Message,
      'the data is longer than 4194304 bytes'
    )
    assert.deepEqual((await names.keys.list()).map(({ name }) => name), ['self'])
  })
})
