import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, it } from 'node:test'
import { defaultServiceJson } from '../../../src/config/default-json.ts'
import { folderPath, loadFolder } from '../../../src/node/folder/folder.ts'
import { identityJson, newIdentity, parseIdentity } from '../../../src/node/folder/identity.ts'
import { parsePeerstore, readPeerstore, writePeerstore } from '../../../src/node/folder/peerstore-file.ts'

const scratch = mkdtempSync(join(tmpdir(), 'folder-'))
after(() => rmSync(scratch, { recursive: true }))

const serviceJson = (): any => defaultServiceJson({ profile: 'test', variables: { CLUSTER_SECRET: 'ab'.repeat(32) } })

describe('a peer\'s folder', () => {
  let folder = ''
  const write = (name: string, content: unknown): void =>
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
  const load = async (
    fetch = async (): Promise<{ status: number, text: string }> => { throw new Error('no network') }
  ): ReturnType<typeof loadFolder> =>
    loadFolder(folder, { variables: {}, fetch })

  beforeEach(() => {
    folder = mkdtempSync(join(scratch, 'peer-'))
    write('identity.json', identityJson(newIdentity()))
  })

  it('is named by option, variable or home', () => {
    const paths = [
      folderPath('/a/b', { IPFS_CLUSTER_PATH: '/c' }), folderPath(undefined, { IPFS_CLUSTER_PATH: '/c' }),
      folderPath(undefined, { HOME: '/home/me' })
    ]

    assert.deepEqual(paths, ['/a/b', '/c', '/home/me/.helia-cluster'])
  })

  it('says to run init when nothing is there', async () => {
    await assert.rejects(load(), { code: 'NOT_FOUND', message: /init/ })
  })

  it('makes the identity of the IPFS host when it is missing, and keeps it', async () => {
    write('service.json', serviceJson())

    const first = await load()
    const second = await load()

    assert.deepEqual(first.ipfsIdentity, second.ipfsIdentity)
    assert.equal(statSync(join(folder, 'ipfs-identity.json')).mode & 0o777, 0o600)
    assert.notEqual(first.ipfsIdentity.id, first.identity.id)
  })

  it('moves the identity of an old service.json to its own file', async () => {
    const identity = newIdentity()
    const file = serviceJson()
    Object.assign(file.cluster, { id: identity.id, private_key: Buffer.from(identity.privateKey).toString('base64') })
    rmSync(join(folder, 'identity.json'))
    write('service.json', file)

    const loaded = await load()

    assert.deepEqual(loaded.identity, identity)
    assert.deepEqual(parseIdentity(readFileSync(join(folder, 'identity.json'), 'utf8')), identity)
    assert.match(loaded.warnings[0] ?? '', /identity found in service\.json/)
  })

  it('fetches a remote configuration', async () => {
    write('service.json', { source: 'http://127.0.0.1:1/config' })

    const { config, source } = await load(async () => ({ status: 200, text: JSON.stringify(serviceJson()) }))

    assert.equal(config.ipfs.kind, 'helia')
    assert.equal(source, 'http://127.0.0.1:1/config')
  })

  it('says what is wrong with a remote configuration', async () => {
    write('service.json', { source: 'http://127.0.0.1:1/config' })

    await assert.rejects(load(), {
      code: 'INVALID_CONFIG', message: /could not fetch configuration from source: http:\/\/127\.0\.0\.1:1\/config: no network/
    })
    await assert.rejects(
      load(async () => { throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:1') }) }),
      { message: /config: connect ECONNREFUSED 127\.0\.0\.1:1$/ }
    )
    await assert.rejects(
      load(async () => ({ status: 404, text: '<html>\n  gone\n' })), { message: /unsuccessful request \(404\): <html> gone$/ }
    )
    await assert.rejects(
      load(async () => ({ status: 200, text: '{"source": "http://127.0.0.1:2/"}' })), { message: /cannot point to another source/ }
    )
  })

  it('refuses certificates that cannot be used', async () => {
    const file = serviceJson()
    Object.assign(file.api.restapi, { ssl_cert_file: 'a.crt', ssl_key_file: 'a.key' })
    write('service.json', file)
    write('a.crt', 'not a certificate')
    write('a.key', 'not a key')

    await assert.rejects(load(), { code: 'INVALID_CONFIG', message: /api\.restapi\.ssl_cert_file/ })
  })
})

describe('the peerstore file', () => {
  const address = '/ip4/127.0.0.1/tcp/9096/p2p/12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8'

  it('has an address a line; other lines are comments', () => {
    const content = parsePeerstore(`# known\n${address}\n\n/nonsense\n/ip4/127.0.0.1/tcp/1\n  ${address}\r\n`)

    assert.deepEqual(content, { addresses: [address, address], badLines: ['/nonsense', '/ip4/127.0.0.1/tcp/1'] })
  })

  it('survives being written and read, and is empty when it is not there', async () => {
    const path = join(mkdtempSync(join(scratch, 'store-')), 'peerstore')
    const before = await readPeerstore(path)

    await writePeerstore(path, [address])

    assert.deepEqual(before.addresses, [])
    assert.equal(readFileSync(path, 'utf8'), `${address}\n`)
    assert.deepEqual((await readPeerstore(path)).addresses, [address])
  })
})
