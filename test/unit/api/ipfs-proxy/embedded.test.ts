import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { encodeHamt } from '../../../../src/importer/hamt.ts'
import { create as createDigest } from 'multiformats/hashes/digest'
import type { Block } from '../../../../src/blockstore/blockstore.ts'
import { CID, parseCid } from '../../../../src/model/cid.ts'
import { importCar, importEntries } from '../../../support/imports.ts'
import { directoryBlock, fileBlock, rawBlock } from '../../../support/unixfs-blocks.ts'
import { quietMs } from '../../../support/poll.ts'
import { jsonLinesOf, jsonOf, proxyPeer, uploadOf, type ProxyPeer } from '../../../support/proxy-peer.ts'

interface Tree { peer: ProxyPeer, root: Block, leaf: Block, file: Block }

/** `/sub/file` of two leaves, `/leaf` and `/again`, which is the same, on the node. */
async function tree (): Promise<Tree> {
  const [leaf, other] = [await rawBlock('hello '), await rawBlock('world')]
  const file = await fileBlock([leaf, other])
  const sub = await directoryBlock({ file })
  const root = await directoryBlock({ again: leaf, leaf, sub })
  const peer = proxyPeer()
  await peer.ipfs.putBlocks((async function * () { yield [leaf, other, file, sub, root] })())
  return { peer, root, leaf, file }
}

/** Names, types and contents of a tar. */
function untar (bytes: Buffer): Array<[name: string, kind: string, content: string]> {
  const entries: Array<[string, string, string]> = []
  for (let at = 0; bytes[at] !== 0; ) {
    const text = (from: number, length: number): string => bytes.toString('utf8', at + from, at + from + length).replace(/\0.*$/s, '')
    const size = parseInt(text(124, 12), 8)
    entries.push([text(0, 100), text(156, 1), bytes.toString('utf8', at + 512, at + 512 + size)])
    at += 512 + Math.ceil(size / 512) * 512
  }
  return entries
}

describe('commands of the embedded node', () => {
  it('cat: a file, a part of it, several in a row', async () => {
    const { peer, root } = await tree()

    const texts = await Promise.all([
      `arg=${root.cid}/sub/file`, `arg=${root.cid}/sub/file&offset=4&length=4`,
      `arg=${root.cid}/leaf&arg=/ipfs/${root.cid}/sub/file&offset=3&length=6`
    ]
      .map(async query => (await peer.ask(`cat?${query}`)).body.toString()))

    assert.deepEqual(texts, ['hello world', 'o wo', 'lo hel'])
  })

  it('look for blocks where the pin is that their path begins with', async () => {
    const { peer, root, leaf } = await tree()
    const roots = new Set<string | undefined>()
    const getBlock = peer.ipfs.getBlock.bind(peer.ipfs)
    peer.ipfs.getBlock = async (cid, options) => {
      roots.add(options?.root?.toString())
      return getBlock(cid, options)
    }

    for (const command of [
      'cat?arg=ROOT/sub/file', 'get?arg=/ipfs/ROOT/sub', 'ls?arg=ROOT/sub', 'refs?arg=ROOT&recursive=true', 'dag/export?arg=ROOT',
      'dag/stat?arg=ROOT', 'dag/get?arg=ROOT/sub', 'dag/resolve?arg=ROOT/sub',
      'block/get?arg=ROOT/leaf', 'block/stat?arg=ROOT/leaf'
    ]) {
      roots.clear()
      assert.equal((await peer.ask(command.replace('ROOT', root.cid.toString()))).status, 200, command)
      // the fake node resolves paths by itself, and without a root
      roots.delete(undefined)
      assert.deepEqual([...roots], [root.cid.toString()], command)
    }
    roots.clear()
    await peer.ask(`cat?arg=${root.cid}/sub/file&arg=${leaf.cid}`)
    assert.ok(roots.has(root.cid.toString()) && roots.has(leaf.cid.toString()))
  })

  it('cat: says what is no file, not there or not asked for', async () => {
    const { peer, root } = await tree()

    const [directory, missing, nothing] = [
      await peer.ask(`cat?arg=${root.cid}`), await peer.ask(`cat?arg=${root.cid}/nope`), await peer.ask('cat')
    ]

    assert.deepEqual(
      [directory, missing].map(reply => [reply.status, jsonOf(reply).Message]),
      [[500, 'this dag node is a directory'], [500, `no link named "nope" under ${root.cid}`]]
    )
    assert.deepEqual([nothing.status, nothing.body.toString()], [400, 'argument "ipfs-path" is required\n'])
  })

  it('id: lists the protocols that the node answers', async () => {
    const peer = proxyPeer()
    peer.ipfs.protocols = () => ['/ipfs/ping/1.0.0', '/ipfs/id/1.0.0']

    const { Protocols } = jsonOf(await peer.ask('id'))

    assert.deepEqual(Protocols, ['/ipfs/id/1.0.0', '/ipfs/ping/1.0.0'])
  })

  it('get: a directory as tar', async () => {
    const { peer, root } = await tree()

    const entries = untar((await peer.ask(`get?arg=${root.cid}`)).body)

    const name = root.cid.toString()
    assert.deepEqual(
      entries,
      [
        [name, '5', ''], [`${name}/again`, '0', 'hello '], [`${name}/leaf`, '0', 'hello '], [`${name}/sub`, '5', ''],
        [`${name}/sub/file`, '0', 'hello world']
      ]
    )
  })

  it('get: compressed, with an archive around it or without', async () => {
    const { peer, root } = await tree()

    const [bare, archive] = [
      await peer.ask(`get?arg=${root.cid}/sub/file&compress=true`),
      await peer.ask(`get?arg=${root.cid}/sub/file&compress=true&archive=true`)
    ]

    assert.equal(gunzipSync(bare.body).toString(), 'hello world')
    assert.deepEqual(untar(gunzipSync(archive.body)), [['file', '0', 'hello world']])
  })

  it('get: names beyond 100 bytes', async () => {
    const leaf = await rawBlock('x')
    const long = `${'ä'.repeat(80)}.txt`
    const root = await directoryBlock({ [long]: leaf })
    const peer = proxyPeer()
    await peer.ipfs.putBlocks((async function * () { yield [leaf, root] })())

    const entries = untar((await peer.ask(`get?arg=${root.cid}`)).body)

    const [pax] = entries.filter(([, kind]) => kind === 'x')
    assert.equal(pax?.[2], `${pax?.[2].length == null ? '' : Buffer.byteLength(pax[2])} path=${root.cid}/${long}\n`)
  })

  it('ls: sizes and types; at once, line by line, or without looking at the entries', async () => {
    const { peer, root, file } = await tree()

    const [whole, stream, plain] = [
      await peer.ask(`ls?arg=${root.cid}`), await peer.ask(`ls?arg=${root.cid}/sub&stream=true`),
      await peer.ask(`ls?arg=${root.cid}&size=false&resolve-type=false`)
    ]

    assert.deepEqual(
      jsonOf(whole).Objects[0].Links.map(({ Name, Size, Type }: any) => [Name, Size, Type]),
      [['again', 6, 2], ['leaf', 6, 2], ['sub', 0, 1]]
    )
    assert.deepEqual(jsonLinesOf(stream), [{
      Objects: [{
        Hash: `${root.cid}/sub`,
        Links: [{ Name: 'file', Hash: file.cid.toString(), Size: 11, Type: 2, Target: '', Mode: 0, ModTime: '0001-01-01T00:00:00Z' }]
      }]
    }])
    assert.deepEqual(jsonOf(plain).Objects[0].Links.map(({ Type, Size }: any) => [Type, Size]), [[2, 6], [2, 6], [0, 0]])
  })

  it('ls: the pieces of a file', async () => {
    const { peer, file } = await tree()

    const [whole, stream] = [await peer.ask(`ls?arg=${file.cid}`), await peer.ask(`ls?arg=${file.cid}&stream=true`)]

    assert.deepEqual(jsonOf(whole).Objects[0].Links.map(({ Name, Size, Type }: any) => [Name, Size, Type]), [['', 6, 2], ['', 5, 2]])
    assert.equal(jsonLinesOf(stream).length, 2)
  })

  it('ls: a sharded directory by name', async () => {
    const peer = proxyPeer()
    const leaf = await rawBlock('x')
    const names = Array.from({ length: 40 }, (_, at) => `n${at}`)
    const blocks = [leaf]
    const nodes = encodeHamt(names.map(name => ({ name, cid: leaf.cid, dagSize: 1 })), bytes => {
      const block = { cid: CID.createV1(0x70, createDigest(0x12, createHash('sha256').update(bytes).digest())), bytes }
      blocks.push(block)
      return block
    })
    let step = nodes.next()
    while (step.done !== true) step = nodes.next()
    await peer.ipfs.putBlocks((async function * () { yield blocks })())
    const root = blocks.at(-1)?.cid

    const reply = await peer.ask(`ls?arg=${root}`)

    assert.deepEqual(jsonOf(reply).Objects[0].Links.map(({ Name }: any) => Name), names.toSorted())
  })

  it('ls and get: permissions and times that were stored, and now for what has no time', async () => {
    const blocks: Block[] = []
    const entries = async function * () {
      yield { kind: 'directory' as const, path: 'd', metadata: { mode: 0o1755, mtime: null } }
      yield { kind: 'directory' as const, path: 'd/sub', metadata: { mode: 0o1755, mtime: null } }
      yield {
        kind: 'file' as const, path: 'd/file', metadata: { mode: 0o4640, mtime: { seconds: 1577934245, nanoseconds: 123_456_000 } },
        content: (async function * () { yield Buffer.from('x') })()
      }
    }
    const outputs = await Array.fromAsync(
      importEntries(
        entries(), { layout: '', chunker: 'size-262144', rawLeaves: false, cidVersion: 1, hash: 'sha2-256', noCopy: false },
        { write: more => { blocks.push(...more) } }, { wrap: false, progress: false }
      )
    )
    const peer = proxyPeer()
    await peer.ipfs.putBlocks((async function * () { yield blocks })())
    const root = outputs.at(-1)?.cid

    const [links, tar] = [jsonOf(await peer.ask(`ls?arg=${root}`)).Objects[0].Links, untar((await peer.ask(`get?arg=${root}`)).body)]

    assert.deepEqual(
      links.map(({ Mode, ModTime }: any) => [Mode, ModTime]),
      [[0o640 + 2 ** 23, '2020-01-02T03:04:05.123456Z'], [0o755 + 2 ** 20 + 2 ** 31, '0001-01-01T00:00:00Z']]
    )
    assert.deepEqual(tar.filter(([, kind]) => kind === 'x').map(([, , records]) => records), ['27 mtime=1577934245.123456\n'])
  })

  it('block/put, stat and get: by codec and hash', async () => {
    const peer = proxyPeer()

    const [raw, v0, sha512] = await Promise.all(
      ['', '?format=v0&cid-codec=raw', '?cid-codec=dag-cbor&mhtype=sha2-512'].map(
        async query => jsonOf(await peer.ask(`block/put${query}`, uploadOf('block data\n')))
      )
    )
    const [stat, got] = [await peer.ask(`block/stat?arg=${raw.Key}`), await peer.ask(`block/get?arg=${sha512.Key}`)]

    assert.equal(raw.Key, 'bafkreifiwgot4lb4rujwb6idmv4powlal2bxi3hxyergrwggbv5y5wtcsa')
    assert.match(v0.Key, /^Qm/)
    assert.deepEqual([parseCid(sha512.Key).code, parseCid(sha512.Key).multihash.code], [0x71, 0x13])
    assert.deepEqual(jsonOf(stat), { Key: raw.Key, Size: 11 })
    assert.equal(got.body.toString(), 'block data\n')
  })

  it('block/put: refuses what Kubo refuses', async () => {
    const peer = proxyPeer()
    const large = new Uint8Array(2 * 1024 * 1024 + 1)

    const replies = [
      await peer.ask('block/put?mhtype=zz', uploadOf('x')), await peer.ask(
        'block/put?cid-codec=zz', uploadOf('x')
      ), await peer.ask('block/put', uploadOf(large)),
      await peer.ask('block/put?format=v0&cid-codec=dag-pb', uploadOf('x')), await peer.ask('block/put', { body: 'x' })
    ]
    const big = await peer.ask('block/put?allow-big-block=true', uploadOf(large))

    assert.deepEqual(replies.map(({ status }) => status), [500, 500, 500, 400, 400])
    assert.equal(big.status, 200)
  })

  it('block/put and dag/put: take blocks of 2 MiB, of 32 MiB when told to, whatever the upload\'s own size, and store nothing larger', {
    timeout: quietMs(20_000)
  }, async () => {
    const MiB = 1024 * 1024
    const peer = proxyPeer()
    let stored = 0
    const { putBlocks } = peer.ipfs
    peer.ipfs.putBlocks = async (blocks, options) =>
      putBlocks.call(peer.ipfs, (async function * () { for await (const some of blocks) { stored += some.length; yield some } })(), options)
    const big = '?allow-big-block=true'
    // a text of so many bytes as dag-cbor, of which five are its head; each escape is five bytes more of JSON
    const text = (sizeBytes: number, escapes = 0): string => `"${'\\u0078'.repeat(escapes)}${'x'.repeat(sizeBytes - 5 - escapes)}"`
    const sizes = [['', 2 * MiB], [big, 32 * MiB]] as const

    for (const [query, most] of sizes) {
      assert.equal(jsonOf(await peer.ask(`block/put${query}`, uploadOf(new Uint8Array(most)))).Size, most)
      assert.match(
        jsonOf(await peer.ask(`block/put${query}`, uploadOf(new Uint8Array(most + 1)))).Message, /^produced block is over (2|32)MiB/
      )
    }
    const { '/': key } = jsonOf(await peer.ask('dag/put', uploadOf(text(2 * MiB, 250_000)))).Cid
    assert.equal(jsonOf(await peer.ask(`block/stat?arg=${key}`)).Size, 2 * MiB)
    assert.match(jsonOf(await peer.ask('dag/put', uploadOf(text(2 * MiB + 1)))).Message, /^produced block is over 2MiB/)
    assert.equal((await peer.ask(`dag/put${big}`, uploadOf(text(2 * MiB + 1)))).status, 200)
    assert.match(
      jsonOf(await peer.ask(`dag/put${big}`, uploadOf(text(32 * MiB + 4 - 25_000_000, 5_000_000)))).Message, /^produced block is over 32MiB/
    )
    assert.equal(stored, 4)
  })

  it('dag/put and get: values between codecs, and paths into them', async () => {
    const peer = proxyPeer()

    const inner = jsonOf(await peer.ask('dag/put', uploadOf('{"x":[1,{"y":"z"}]}'))).Cid['/']
    const outer = jsonOf(await peer.ask('dag/put?store-codec=dag-json', uploadOf(`{"b":1,"a":{"/":"${inner}"}}`))).Cid['/']
    const [whole, deep] = [await peer.ask(`dag/get?arg=${outer}`), await peer.ask(`dag/get?arg=${outer}/a/x/1/y`)]
    const resolved = jsonOf(await peer.ask(`dag/resolve?arg=${outer}/a/x/1`))

    assert.equal(whole.body.toString(), `{"a":{"/":"${inner}"},"b":1}`)
    assert.equal(deep.body.toString(), '"z"')
    assert.deepEqual(resolved, { Cid: { '/': inner }, RemPath: '/x/1' })
  })

  it('dag/put and get: up to 512 values may be nested in each other', { timeout: quietMs(5000) }, async () => {
    const peer = proxyPeer()
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
    const message = 'more than 512 values are nested in each other'
    const stored = async (codec: string): Promise<string> =>
      jsonOf(await peer.ask(`dag/put?store-codec=${codec}`, uploadOf(nested(512)))).Cid['/']
    const raw = await rawBlock(Buffer.concat([Buffer.alloc(513, 0x81), Buffer.of(0)]))
    const deep = { bytes: raw.bytes, cid: CID.createV1(0x71, raw.cid.multihash) }
    await peer.ipfs.putBlocks((async function * () { yield [deep] })())

    for (const codec of ['dag-cbor', 'dag-json']) {
      assert.equal((await peer.ask(`dag/get?arg=${await stored(codec)}`)).body.toString(), nested(512))
    }
    for (const count of [513, 200_000]) assert.equal(jsonOf(await peer.ask('dag/put', uploadOf(nested(count)))).Message, message)
    assert.equal(jsonOf(await peer.ask(`dag/get?arg=${deep.cid}`)).Message, message)
    assert.equal(jsonOf(await peer.ask(`dag/resolve?arg=${deep.cid}/${'0/'.repeat(100)}`)).Message, message)
  })

  it('dag/put: says what it can not read', async () => {
    const peer = proxyPeer()

    const replies = [
      await peer.ask('dag/put', uploadOf('{')), await peer.ask('dag/put?store-codec=raw', uploadOf('{"x":1}')),
      await peer.ask('dag/put?input-codec=git-raw', uploadOf('x')), await peer.ask('dag/put?store-codec=dag-pb', uploadOf('{"x":1}'))
    ]

    assert.deepEqual(replies.map(({ status }) => status), [500, 500, 500, 500])
  })

  it('dag/export: a CAR that can be imported, each block once; dag/import pins its root', async () => {
    const { peer, root } = await tree()
    const target = proxyPeer()

    const car = (await peer.ask(`dag/export?arg=${root.cid}`)).body
    const reply = await target.ask('dag/import?stats=true', uploadOf(car))

    const blocks: Block[] = []
    await importCar((async function * () { yield car })(), { write: more => { blocks.push(...more) } }, {})
    assert.equal(blocks.length, 5)
    assert.deepEqual(
      jsonLinesOf(reply),
      [
        { Root: { Cid: { '/': root.cid.toString() }, PinErrorMsg: '' } },
        { Stats: { BlockCount: 5, BlockBytesCount: blocks.reduce((sum, { bytes }) => sum + bytes.length, 0) } }
      ]
    )
    assert.deepEqual([...target.cluster.pins.keys()], [root.cid.toString()])
    assert.equal((await target.ask(`cat?arg=${root.cid}/sub/file`)).body.toString(), 'hello world')
  })

  it('dag/import: pins nothing when told so, or when the file is damaged', async () => {
    const { peer, root } = await tree()
    const car = (await peer.ask(`dag/export?arg=${root.cid}`)).body
    const target = proxyPeer()

    const [unpinned, damaged] = [
      await target.ask('dag/import?pin-roots=false', uploadOf(car)), await target.ask('dag/import', uploadOf(car.subarray(0, -1)))
    ]

    assert.equal(unpinned.status, 200)
    assert.equal(damaged.status, 500)
    assert.equal(target.cluster.pins.size, 0)
    assert.equal(target.ipfs.holdCount(), 0)
    assert.deepEqual(await Array.fromAsync(target.ipfs.repoGc()), [])
  })

  it('dag/import: holds the blocks until each root is pinned here', async () => {
    const { peer, root, file } = await tree()
    const cars = [root, file].map(async ({ cid }) => (await peer.ask(`dag/export?arg=${cid}`)).body)
    const target = proxyPeer()

    await target.ask('dag/import', uploadOf(...await Promise.all(cars)))
    const held = [target.ipfs.holdCount()]
    for (const pin of target.cluster.pins.values()) {
      await target.ipfs.pin(pin)
      held.push(target.ipfs.holdCount())
    }

    assert.deepEqual(held, [1, 1, 0])
  })

  it('dag/stat: counts each block once', async () => {
    const { peer, root } = await tree()

    const stats = jsonLinesOf(await peer.ask(`dag/stat?arg=${root.cid}&arg=${root.cid}/sub`)).at(-1)

    assert.deepEqual(stats.DagStats.map(({ NumBlocks }: any) => NumBlocks), [5, 4])
    assert.equal(stats.UniqueBlocks, 5)
    assert.equal(stats.SharedSize, stats.DagStats[1].Size)
  })

  it('refs: direct links, all below, each once, as edges', async () => {
    const { peer, root, leaf } = await tree()
    const count = async (query: string): Promise<number> => jsonLinesOf(await peer.ask(`refs?arg=${root.cid}&${query}`)).length

    const counts = [
      await count(''), await count('recursive=true'), await count('recursive=true&unique=true'), await count('recursive=true&max-depth=2')
    ]
    const [edge] = jsonLinesOf(await peer.ask(`refs?arg=${root.cid}&edges=true`))
    const named = jsonLinesOf(await peer.ask(`refs?arg=${root.cid}&format=${encodeURIComponent('<linkname> <dst>')}`))

    assert.deepEqual(counts, [3, 6, 4, 4])
    assert.equal(edge.Ref, `${root.cid} -> ${leaf.cid}`)
    assert.deepEqual(named.map(({ Ref }) => Ref.split(' ')[0]), ['again', 'leaf', 'sub'])
  })

  it('resolve, id, version and swarm/peers', async () => {
    const { peer, root, leaf } = await tree()

    const [resolved, id, version, peers] = await Promise.all(
      [`resolve?arg=/ipfs/${root.cid}/leaf`, 'id', 'version', 'swarm/peers'].map(async command => jsonOf(await peer.ask(command)))
    )

    assert.deepEqual(resolved, { Path: `/ipfs/${leaf.cid}` })
    assert.match(id.ID, /^12D3KooW/)
    assert.equal(createHash('sha256').update(Buffer.from(id.PublicKey, 'base64')).digest().length, 32)
    assert.deepEqual(Object.keys(version), ['Version', 'Commit', 'Repo', 'System', 'Golang'])
    assert.deepEqual(peers, { Peers: null })
  })

  it('only looks here with offline=true', async () => {
    const { cid } = await rawBlock('nowhere')

    const reply = await proxyPeer().ask(`block/stat?arg=${cid}&offline=true`)

    assert.equal(reply.status, 500)
    assert.match(jsonOf(reply).Message, /not (here|found locally)/)
  })

  it('says clearly what it has not, and does not know what Kubo has not', async () => {
    const peer = proxyPeer()

    const [known, unknown] = [await peer.ask('files/ls?arg=/'), await peer.ask('nonsense')]

    assert.equal(known.status, 501)
    assert.match(jsonOf(known).Message, /has no command "files ls"/)
    assert.deepEqual([unknown.status, unknown.body.toString()], [404, '404 page not found\n'])
  })

  it('answers preflights of pages of this machine only, and nobody else\'s calls', async () => {
    const peer = proxyPeer()
    const preflight = async (origin: string) =>
      peer.ask('OPTIONS /api/v0/id', { headers: [['Origin', origin], ['Access-Control-Request-Method', 'POST']] })

    const [mine, foreign, call] = [
      await preflight('http://localhost:3000'), await preflight('http://evil.test'),
      await peer.ask('id', { headers: [['Origin', 'http://evil.test']] })
    ]

    assert.equal(Object.fromEntries(mine.headers)['Access-Control-Allow-Origin'], 'http://localhost:3000')
    assert.equal(Object.fromEntries(foreign.headers)['Access-Control-Allow-Origin'], undefined)
    assert.deepEqual([call.status, call.body.toString()], [403, '403 - Forbidden\n'])
  })

  it('reads what the importer makes, symbolic links too', async () => {
    const blocks: Block[] = []
    const entries = async function * () {
      yield { kind: 'directory' as const, path: 'd' }
      yield { kind: 'symlink' as const, path: 'd/link', target: 'leaf' }
    }
    const outputs = await Array.fromAsync(
      importEntries(
        entries(), { layout: '', chunker: 'size-262144', rawLeaves: false, cidVersion: 1, hash: 'sha2-256', noCopy: false },
        { write: more => { blocks.push(...more) } }, { wrap: false, progress: false }
      )
    )
    const peer = proxyPeer()
    await peer.ipfs.putBlocks((async function * () { yield blocks })())
    const root = outputs.at(-1)?.cid as CID

    const { Objects: [{ Links: [link] }] } = jsonOf(await peer.ask(`ls?arg=${root}`))

    assert.deepEqual([link.Name, link.Type, link.Target], ['link', 4, 'leaf'])
  })
})
