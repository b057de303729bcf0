import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const run = promisify(execFile)
const mebibyte = 2 ** 20

/** Leaves nothing out that users of the package get; `dist` is built aside, because others may use that of the checkout now. */
describe('the published package', () => {
  let folder: string
  let installed: string
  let tarball: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'helia-cluster-package-'))
    const source = join(folder, 'source')
    await mkdir(source)
    for (const name of ['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE', 'LICENSE-APACHE', 'LICENSE-MIT', 'docs', 'packaging']) {
      await cp(join(root, name), join(source, name), { recursive: true })
    }
    await run(process.execPath, [join(root, 'scripts/build.ts'), join(source, 'dist')])
    await npm(source, ['pack', '--ignore-scripts', '--pack-destination', folder])
    tarball = join(folder, (await readdir(folder)).find(name => name.endsWith('.tgz')) ?? '')
    installed = join(folder, 'installed')
    await mkdir(installed)
    await writeFile(join(installed, 'package.json'), '{"private":true,"type":"module"}')
    await npm(installed, ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', tarball])
  })
  after(async () => { await rm(folder, { recursive: true, force: true }) })

  const npm = async (cwd: string, args: string[]): Promise<void> => { await run('npm', args, { cwd, shell: process.platform === 'win32' }) }
  const program = async (name: string, args: string[]): Promise<string> =>
    (await run(process.execPath, [join(installed, 'node_modules/helia-cluster/dist', `${name}.js`), ...args])).stdout
  /** A Node 20 that the machine may have. */
  const oldNode = async (): Promise<string | undefined> => {
    const { stdout } = await run('/usr/bin/node', ['--version']).catch(() => ({ stdout: '' }))
    return stdout.startsWith('v20.') ? '/usr/bin/node' : undefined
  }
  const script = async (text: string): Promise<unknown> =>
    JSON.parse((await run(process.execPath, ['--input-type=module', '-e', text], { cwd: installed })).stdout)

  it('is small and brings nothing but the native database', async () => {
    const names = (await readdir(join(installed, 'node_modules'))).filter(name => !name.startsWith('.'))
    const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))

    assert.deepEqual(Object.keys(dependencies), ['classic-level'])
    assert.ok(names.length <= 16, names.join(' '))
    assert.deepEqual(names.filter(name => /react|libp2p|typescript|rolldown|opentelemetry/.test(name)), [])
    assert.ok((await stat(tarball)).size < 4 * mebibyte)
  })

  it('runs a peer out of chunks of ASCII, which are read in half the time', async () => {
    const chunks = join(installed, 'node_modules/helia-cluster/dist/chunks')
    const names = (await readdir(chunks)).filter(name => name.endsWith('.cjs'))
    const others = await Promise.all(names.map(async name => /[^\0-\x7f]/.exec(await readFile(join(chunks, name), 'utf8'))?.[0] ?? ''))

    assert.ok(names.length > 10, names.join(' '))
    assert.equal(others.join(''), '')
  })

  it('has programs that tell the same version', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))

    const [service, ctl, follow] = await Promise.all(
      ['helia-cluster-service', 'helia-cluster-ctl', 'helia-cluster-follow'].map(async name => program(name, ['--version']))
    )
    const commands = await readdir(join(installed, 'node_modules/.bin'))

    assert.equal(service, `helia-cluster-service version 1.1.6+helia.${version}\n`)
    for (const told of [ctl, follow]) assert.match(told ?? '', new RegExp(`version 1\\.1\\.6\\+helia\\.${version}\n$`))
    assert.deepEqual(
      commands.filter(name => name.startsWith('helia')).map(name => name.replace(/\..*$/, '')).toSorted(),
      ['helia-cluster-ctl', 'helia-cluster-follow', 'helia-cluster-service']
    )
  })

  it('has the web pages, and a peer serves them', async () => {
    const peerFolder = join(folder, 'peer-with-pages')
    await program('helia-cluster-service', ['-c', peerFolder, 'init', '--profile', 'test', '--randomports'])
    const config = join(peerFolder, 'service.json')
    const json = JSON.parse(await readFile(config, 'utf8'))
    await writeFile(config, JSON.stringify({ ...json, api: { ...json.api, webui: { http_listen_multiaddress: '/ip4/127.0.0.1/tcp/0' } } }))

    const seen = await script(`
      import { startPeer } from 'helia-cluster'
      const peer = await startPeer({ folder: ${JSON.stringify(peerFolder)} })
      const [, , ip, , port] = peer.addresses.webui[0].split('/')
      const page = await fetch('http://' + ip + ':' + port + '/login')
      const text = await page.text()
      const asset = await fetch('http://' + ip + ':' + port + /assets\\/index-[\\w-]+\\.js/.exec(text)[0].replace(/^/, '/'))
      await peer.stop()
      console.log(JSON.stringify([page.status, text.includes('kind&#34;:&#34;cluster'), asset.status, asset.headers.get('cache-control')]))
    `)

    assert.deepEqual(seen, [200, true, 200, 'public, max-age=31536000, immutable'])
  })

  it('has the threads of the gateway', async () => {
    const peerFolder = join(folder, 'peer-with-threads')
    await program('helia-cluster-service', ['-c', peerFolder, 'init', '--profile', 'test', '--randomports'])
    const config = join(peerFolder, 'service.json')
    const json = JSON.parse(await readFile(config, 'utf8'))
    await writeFile(config, JSON.stringify({ ...json, api: { ...json.api, gateway: { ...json.api.gateway, workers: 1 } } }))

    const seen = await script(`
      import { startPeer } from 'helia-cluster'
      const peer = await startPeer({ folder: ${JSON.stringify(peerFolder)} })
      const [, , ip, , port] = peer.addresses.gateway[0].split('/')
      const answer = await fetch('http://' + ip + ':' + port + '/ipfs/bafkqabtunbzgkyle')
      const text = await answer.text()
      await peer.stop()
      console.log(JSON.stringify([answer.status, text]))
    `)

    assert.deepEqual(seen, [200, 'thread'])
  })

  it('runs a peer inside another program, and its client reaches it', async () => {
    const peerFolder = join(folder, 'peer')
    await program('helia-cluster-service', ['-c', peerFolder, 'init', '--profile', 'test', '--randomports'])

    const seen = await script(`
      import { startPeer } from 'helia-cluster'
      import { createNodeClient } from 'helia-cluster/client/node'
      import { ClusterClient } from 'helia-cluster/client'
      const peer = await startPeer({ folder: ${JSON.stringify(peerFolder)} })
      const { ServiceClient } = await import('helia-cluster/service-client')
      new ServiceClient()
      const [host] = peer.addresses.restapi
      const [, , ip, , port] = host.split('/')
      const ids = [await createNodeClient({ hosts: [host] }).id(), await new ClusterClient({ url: 'http://' + ip + ':' + port }).id()]
      await peer.stop()
      console.log(JSON.stringify(ids.map(({ id }) => id === peer.id)))
    `)

    assert.deepEqual(seen, [true, true])
  })

  it('brings a client that talks to a peer, on the oldest Node, too', async () => {
    const server = createServer((_, response) => { response.end('{"version":"1.1.6"}') }).listen(0, '127.0.0.1')
    after(() => server.close())
    await once(server, 'listening')
    const line = ['--host', `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`, 'version']

    const told = await program('helia-cluster-ctl', line)
    const toldByOld = await run(
      await oldNode() ?? process.execPath, [join(installed, 'node_modules/helia-cluster/dist/helia-cluster-ctl.js'), ...line]
    )

    assert.deepEqual([told, toldByOld.stdout], ['1.1.6\n', '1.1.6\n'])
  })

  it('has what tests of own parts need: the example of the guide runs', async () => {
    const guide = await readFile(join(root, 'docs/guide/testing.md'), 'utf8')
    const files = [...guide.matchAll(/^```js\n\/\/ (\S+)\n([^]*?)^```$/gm)].map(([, name = '', code = '']) => ({ name, code }))
    for (const { name, code } of files) await writeFile(join(installed, name), code)

    // not a test of this run
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const { stdout } = await run(
      process.execPath, ['--test', '--test-reporter=tap', 'idle.test.js'], { cwd: installed, env }
    ).catch((err: { stdout: string }) => assert.fail(err.stdout))

    assert.deepEqual(files.map(({ name }) => name), ['idle.js', 'idle.test.js'])
    assert.match(stdout, /^# pass 9$/m)
    assert.match(stdout, /^# fail 0$/m)
  })

  it('has declarations for everything that it exports, which compile', async () => {
    const home = join(installed, 'node_modules/helia-cluster')
    const { exports } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8'))
    const files = Object.values(exports).flatMap(
      entry => typeof entry === 'string' ? [entry] : Object.values(entry as Record<string, string>)
    )

    const sizes = await Promise.all(files.map(async file => (await stat(join(home, file))).size))

    assert.ok(sizes.every(size => size > 0))
    await writeFile(join(installed, 'user.ts'), `
      import { measured, startPeer, type Informer, type MakeInformer, type Peer } from 'helia-cluster'
      import { ClusterClient } from 'helia-cluster/client'
      import { createNodeClient } from 'helia-cluster/client/node'
      import { ServiceClient, type StoredFile } from 'helia-cluster/service-client'
      import { SimClock, SimulatedCluster, datastoreContract, informerContract, ipfsContract, type SimulatedPin } from 'helia-cluster/testing'
      export const peer: Promise<Peer> = startPeer({ folder: 'x' })
      export const client: ClusterClient = createNodeClient()
      export const file: Promise<StoredFile> = new ServiceClient().files.upload({ path: 'x', content: new Blob(['x']) })
      const informer: MakeInformer = ({ clock }): Informer => ({
        name: 'x', ttlMs: 1, metrics: async self => [measured({ name: 'x', value: '' }, { self, now: clock.now(), ttlMs: 1 })]
      })
      export const withInformer = startPeer({ folder: 'x', informers: [informer] })
      informerContract('x', () => { const clock = new SimClock(); return { clock, informer: informer({ clock }) } })
      export const pin: Promise<SimulatedPin> = SimulatedCluster.start({ peers: 1 }).then(cluster => cluster.pin(0, cluster.cid('x')))
      export const contracts = [datastoreContract, ipfsContract]
      // @ts-expect-error: the folder is needed
      export const wrong = startPeer({})
    `)
    const options = [
      '--noEmit', '--strict', '--module', 'nodenext', '--types', 'node', '--typeRoots', join(root, 'node_modules/@types'), '--skipLibCheck',
      'false', '--lib', 'es2024,dom'
    ]
    await run(
      process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...options, 'user.ts'], { cwd: installed }
    ).catch((err: { stdout: string }) => assert.fail(err.stdout))
  })
})
