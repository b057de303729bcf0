import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { ClusterClient } from '../../../src/client/client.ts'
import { ApiError } from '../../../src/client/errors.ts'
import type { ScriptedAnswer } from '../../support/scripted-transport.ts'
import { scriptedTransport } from '../../support/scripted-transport.ts'

const cid = 'bafkreicx3mxcmx3eg5ct3tsv54ijv5rgz5vxg2g56q66qvnjrdhnogif5a'
const fixed = {
  chunker: 'size-262144', 'cid-version': '0', format: 'unixfs', hash: 'sha2-256', hidden: 'false', layout: '', local: 'false',
  mode: 'recursive'
}

function clientWith (answer: ScriptedAnswer): { client: ClusterClient, asked: string[], headers: () => Record<string, string> } {
  const transport = scriptedTransport(answer)
  return {
    client: new ClusterClient({ transport, auth: { username: 'alice', password: 'wünder' } }), asked: transport.asked,
    headers: () => transport.requests.at(-1)?.headers ?? {}
  }
}

async function all<Item> (items: AsyncIterable<Item>): Promise<Item[]> { return Array.fromAsync(items) }

describe('client: requests', () => {
  it('are those of the Go client', async () => {
    const { client, asked } = clientWith({ body: '{}' })

    await client.pin(cid, { name: 'foo', metadata: { k: 'v w' }, replicationFactorMin: 2, replicationFactorMax: 2 })
    await client.pin(`/ipfs/${cid}/a b/ü`, { pinUpdate: cid })
    await client.unpin(cid)
    await client.status(cid)
    await client.recover(cid, { local: true })
    await client.collectGarbage()
    await client.metrics('tag:group')
    await all(client.allocations({ types: ['pin', 'meta-pin'] }))
    await all(client.statuses({ filter: ['pinned', 'error'], local: true }))
    await all(client.statusesOf([cid, cid]))

    assert.deepEqual(asked, [
      `POST /pins/ipfs/${cid}?meta-k=v+w&mode=recursive&name=foo&replication-max=2&replication-min=2&shard-size=0&user-allocations=`,
      `POST /pins/ipfs/${cid}/a%20b/%C3%BC?mode=recursive&name=&pin-update=${cid}&replication-max=0&replication-min=0&shard-size=0&user-allocations=`,
      `DELETE /pins/ipfs/${cid}`,
      `GET /pins/${cid}?local=false`,
      `POST /pins/${cid}/recover?local=true`,
      'POST /ipfs/gc?local=false',
      'GET /monitor/metrics/tag:group',
      'GET /allocations?filter=pin%2Cmeta-pin',
      'GET /pins?local=true&filter=pinned%2Cerror&cids=',
      `GET /pins?local=false&filter=&cids=${cid},${cid}`
    ])
  })

  it('of an upload name every option', async () => {
    const { client, asked, headers } = clientWith({ body: '' })

    await all(client.add([{ path: 'a', content: 'b' }], { name: 'n', wrapWithDirectory: true }))

    const query = Object.fromEntries(new URLSearchParams(asked[0]?.split('?')[1]))
    assert.deepEqual(query, {
      ...fixed,
      name: 'n',
      'no-pin': 'false',
      nocopy: 'false',
      progress: 'false',
      'raw-leaves': 'false',
      recursive: 'false',
      'replication-max': '0',
      'replication-min': '0',
      shard: 'false',
      'shard-size': '104857600',
      'stream-channels': 'true',
      'user-allocations': '',
      'wrap-with-directory': 'true'
    })
    assert.match(headers()['content-type'] ?? '', /^multipart\/form-data; boundary=[0-9a-f]{32}$/)
  })

  it('carry the password in UTF-8, or the token', async () => {
    const { client, headers } = clientWith({ body: '{"token":"t"}' })
    const transport = scriptedTransport({ body: '{}' })

    await client.token()
    await new ClusterClient({ transport, auth: { token: 'abc' } }).id()

    assert.equal(headers().authorization, `Basic ${Buffer.from('alice:wünder').toString('base64')}`)
    assert.equal(transport.requests[0]?.headers.authorization, 'Bearer abc')
  })
})

describe('client: answers', () => {
  it('keep 64-bit nanoseconds exact', async () => {
    const { client } = clientWith({ body: '[{"name":"ping","expire":1795233690753000001,"weight":-9223372036854775808,"received_at":1}]' })

    const [metric] = await client.metrics('ping')

    assert.equal(metric?.expire, 1795233690753000001n)
    assert.equal(metric?.weight, -9223372036854775808n)
    assert.equal(metric?.received_at, 1n)
  })

  it('in lines are split wherever the chunks are', async () => {
    const { client } = clientWith({ chunks: ['{"cid":"a","na', 'me":"ü"}\n{"cid":"b"}\n', '\n{"cid"', ':"c"}'] })

    const pins = await all(client.allocations())

    assert.deepEqual(pins.map(pin => pin.cid), ['a', 'b', 'c'])
  })

  it('without content are empty lists', async () => {
    assert.deepEqual(await all(clientWith({ status: 204 }).client.peers()), [])
  })
})

describe('client: errors', () => {
  const failure = async (answer: ScriptedAnswer, act: (client: ClusterClient) => Promise<unknown>): Promise<ApiError> => {
    const err = await act(clientWith(answer).client).then(() => undefined, (err: unknown) => err)
    assert.ok(err instanceof ApiError)
    return err
  }

  it("are the peer's own words", async () => {
    const err = await failure(
      { status: 404, body: '{"code":404,"message":"pin is not part of the pinset"}\n' }, async client => client.allocation(cid)
    )

    assert.deepEqual([err.status, err.code, err.message], [404, 'NOT_FOUND', 'pin is not part of the pinset'])
  })

  it('that are no JSON are told as they are', async () => {
    const err = await failure({ status: 502, body: 'Bad Gateway' }, async client => client.id())

    assert.deepEqual([err.status, err.code, err.message], [502, 'PEER_FAILED', 'Bad Gateway'])
  })

  it("that are another server's JSON keep the HTTP status, and the text where there is no message", async () => {
    const bodies = ['{"status":404,"message":"there is nothing of this name"}', '{"code":0,"message":"gone"}', '{"error":"no route"}', '[]']
    const found = await Promise.all(bodies.map(async body => failure({ status: 404, body }, async client => client.id())))

    assert.deepEqual(found.map(({ status, code }) => [status, code]), bodies.map(() => [404, 'NOT_FOUND']))
    assert.deepEqual(found.map(({ message }) => message), ['there is nothing of this name', 'gone', '{"error":"no route"}', '[]'])
  })

  it('in a trailer come after the items', async () => {
    const seen: string[] = []

    const err = await failure({ body: '{"cid":"a"}\n', streamErrors: ['', 'one failed', 'another too'] }, async client => {
      for await (const pin of client.allocations()) seen.push(pin.cid)
    })

    assert.deepEqual(seen, ['a'])
    assert.deepEqual([err.status, err.message], [500, 'one failed; another too'])
  })

  it('are thrown for a list that is cut off or no list', async () => {
    const cut = await failure({ body: '{"cid":"a"}\n{"ci', cut: new Error('reset') }, async client => all(client.allocations()))
    const wrong = await failure({ status: 202 }, async client => all(client.allocations()))
    const noJson = await failure({ body: '<html>' }, async client => all(client.allocations()))

    assert.equal(cut.message, 'unexpected EOF')
    assert.equal(wrong.message, 'expected streaming response with code 200/204')
    assert.match(noJson.message, /not JSON: <html>/)
  })

  it('without an answer have status 0; an abort stays the reason', async () => {
    const broken = new ClusterClient({ transport: { request: async () => { throw new TypeError('fetch failed') } } })
    const stop = new AbortController()
    stop.abort(new Error('enough'))

    await assert.rejects(broken.id(), err => err instanceof ApiError && err.status === 0 && err.code === 'PEER_UNREACHABLE')
    await assert.rejects(
      new ClusterClient({ transport: { request: async () => { throw stop.signal.reason } } }).id({ signal: stop.signal }),
      { message: 'enough' }
    )
  })
})

describe('client: in browsers', () => {
  it('imports nothing of Node', () => {
    const src = join(import.meta.dirname, '../../../src')
    const seen = new Set<string>()
    const outside = new Set<string>()
    const visit = (path: string): void => {
      if (seen.has(path)) return
      seen.add(path)
      const text = readFileSync(path, 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '')
      for (const [, target = ''] of text.matchAll(/(?:from|import\()\s*'([^']+)'/g)) {
        if (target.startsWith('.')) visit(join(dirname(path), target))
        else outside.add(target)
      }
      assert.doesNotMatch(text, /\b(Buffer|process)\b[.(]/, path)
    }

    visit(join(src, 'client/client.ts'))
    visit(join(src, 'client/wait.ts'))

    assert.deepEqual([...outside], [])
  })
})
