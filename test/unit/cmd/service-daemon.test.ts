import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { runDaemon } from '../../../cmd/helia-cluster-service/daemon.ts'
import type { DaemonDeps, DaemonFlags } from '../../../cmd/helia-cluster-service/daemon.ts'
import { initFolder } from '../../../cmd/helia-cluster-service/init.ts'
import { ClusterError } from '../../../src/base/errors.ts'
import { Listeners } from '../../../src/base/listeners.ts'
import { lockFolder } from '../../../src/node/folder/lock.ts'
import type { NodeInit, RunningNode, StartNode } from '../../../src/node/node-contract.ts'
import { fakeTerminal } from '../../support/terminal.ts'
import type { FakeTerminal } from '../../support/terminal.ts'

const peer = '12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8'
const address = `/ip4/127.0.0.1/tcp/9096/p2p/${peer}`

describe('helia-cluster-service daemon', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'daemon-'))
  after(() => rmSync(scratch, { recursive: true }))
  let folder = ''
  beforeEach(async () => {
    folder = mkdtempSync(join(scratch, 'peer-'))
    await initFolder({ folder, consensus: 'crdt', datastore: 'level', profile: 'test', peers: address }, fakeTerminal())
  })

  const edit = (change: (file: any) => void): void => {
    const path = join(folder, 'service.json')
    const file = JSON.parse(readFileSync(path, 'utf8'))
    change(file)
    writeFileSync(path, JSON.stringify(file))
  }

  interface World {
    deps: DaemonDeps, terminal: FakeTerminal, signals: Listeners<NodeJS.Signals>, faults: Listeners<unknown>, started: NodeInit[],
    stops: number, exits: string[], ready: Promise<void>
  }

  /** A daemon whose node starts and stops as told. */
  function world (parts: { start?: StartNode, stop?: () => Promise<void>, failed?: Promise<never> } = {}): World {
    const ready = Promise.withResolvers<void>()
    const result: World = {
      terminal: fakeTerminal(), signals: new Listeners(), faults: new Listeners(), started: [], stops: 0, exits: [], ready: ready.promise
    } as unknown as World
    const node: RunningNode = {
      addresses: { restapi: ['/ip4/127.0.0.1/tcp/9094'] },
      failed: parts.failed ?? new Promise<never>(() => {}),
      stop: async () => {
        result.stops++
        await parts.stop?.()
      }
    }
    result.deps = {
      terminal: result.terminal,
      fetch: async () => { throw new Error('no network') },
      loadNode: async () => parts.start ?? (async init => {
        result.started.push(init)
        return node
      }),
      onSignal: listener => result.signals.add(listener),
      onFault: listener => result.faults.add(listener),
      endBySignal: name => { result.exits.push(name) },
      onReady: () => ready.resolve()
    }
    return result
  }
  const run = async (deps: DaemonDeps, flags: Partial<DaemonFlags> = {}): Promise<number> =>
    runDaemon({ trust: true, ...flags, folder, levels: 'info' }, deps)

  it('says READY with the addresses and ends with 0 after a signal', async () => {
    const one = world()

    const running = run(one.deps)
    await one.ready
    one.signals.emit('SIGTERM')
    const exitCode = await running

    assert.equal(exitCode, 0)
    assert.equal(one.stops, 1)
    assert.match(
      one.terminal.printed.err, /\tINFO\tcluster\t\*\* IPFS Cluster is READY \*\*\t\{"restapi":\["\/ip4\/127\.0\.0\.1\/tcp\/9094"\]\}\n/
    )
    assert.equal(existsSync(join(folder, 'cluster.lock')), false)
  })

  it('starts the peer again when it finds damage that only a start can deal with', async () => {
    const one = world()

    const running = run(one.deps)
    await one.ready
    one.started[0]?.damaged?.(new ClusterError('INVALID_DATA', {}, { message: 'a table is damaged' }))
    while (one.started.length < 2) await nextTurn()
    one.signals.emit('SIGTERM')
    const exitCode = await running

    assert.deepEqual([exitCode, one.stops, one.started.length], [0, 2, 2])
    assert.equal(one.terminal.printed.err.match(/a table is damaged/g)?.length, 1)
    assert.match(one.terminal.printed.err, /\tERROR\tcluster\ta table is damaged; the peer is started again\n/)
  })

  it('hands the folder, the settings and both identities to the node', async () => {
    const one = world()

    const running = run(one.deps, { bootstrap: address, stats: true, leave: true })
    await one.ready
    one.signals.emit('SIGINT')
    await running

    const [init] = one.started
    assert.equal(init?.folder, folder)
    assert.match(init?.version ?? '', /^1\.1\.6\+helia\./)
    assert.deepEqual(init?.bootstrap, [address])
    assert.notEqual(init?.identity.id, init?.ipfsIdentity.id)
    assert.equal(init?.config.metrics.enableStats, true)
    assert.equal(init?.config.cluster.leaveOnShutdown, true)
  })

  it('trusts the peers of --bootstrap unless told not to', async () => {
    edit(file => { file.consensus.crdt.trusted_peers = [] })
    const [trusting, careful] = [world(), world()]
    for (const [one, trust] of [[trusting, true], [careful, false]] as const) {
      const running = run(one.deps, { bootstrap: address, trust })
      await one.ready
      one.signals.emit('SIGINT')
      await running
    }

    assert.deepEqual(trusting.started[0]?.config.crdt.trustedPeers, [peer])
    assert.deepEqual(careful.started[0]?.config.crdt.trustedPeers, [])
  })

  it('warns at the second signal and ends at once at the third', async () => {
    const stopping = Promise.withResolvers<void>()
    const one = world({ stop: async () => stopping.promise })

    const running = run(one.deps)
    await one.ready
    one.signals.emit('SIGINT')
    one.signals.emit('SIGTERM')
    const afterSecond = one.exits.length
    one.signals.emit('SIGHUP')
    stopping.resolve()
    await running

    assert.equal(afterSecond, 0)
    assert.deepEqual(one.exits, ['SIGHUP'])
    assert.match(one.terminal.printed.err, /still stopping.*exiting cluster NOW/s)
  })

  it('stops a start that is under way, with exit code 0', async () => {
    const one = world({
      start: async ({ signal }) => new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
        one.signals.emit('SIGTERM')
      })
    })

    const exitCode = await run(one.deps)

    assert.equal(exitCode, 0)
    assert.doesNotMatch(one.terminal.printed.err, /READY/)
  })

  it('drains and ends with 1 after an error that nobody caught', async () => {
    const one = world()

    const running = run(one.deps)
    await one.ready
    one.faults.emit(new Error('surprise'))
    const exitCode = await running

    assert.equal(exitCode, 1)
    assert.equal(one.stops, 1)
    assert.match(one.terminal.printed.err, /ERROR\tcluster\t.*surprise/)
  })

  it('ends with 1 when the node fails or does not stop cleanly', async () => {
    const failure = Promise.withResolvers<never>()
    const failing = world({ failed: failure.promise })
    const running = run(failing.deps)
    await failing.ready
    failure.reject(new Error('the disk is gone'))

    const unclean = world({ stop: async () => { throw new Error('stuck') } })
    const failed = await running
    const second = run(unclean.deps)
    await unclean.ready
    unclean.signals.emit('SIGINT')

    assert.equal(failed, 1)
    assert.equal(failing.stops, 1)
    assert.equal(await second, 1)
  })

  it('fails in one line when the node can\'t start, and gives the lock back', async () => {
    const one = world({ start: async () => { throw new Error('address in use') } })

    await assert.rejects(run(one.deps), { message: 'error starting cluster: address in use' })
    assert.equal(existsSync(join(folder, 'cluster.lock')), false)
  })

  it('is refused while another daemon has the folder', async () => {
    const lock = lockFolder(folder)

    await assert.rejects(run(world().deps), { message: new RegExp(`^error obtaining execution lock: process ${process.pid} holds`) })
    lock.release()
  })

  it('is refused with a bad configuration, all problems named', async () => {
    edit(file => {
      file.cluster.dial_peer_timeout = 'x'
      file.monitor.pubsubmon = {}
    })

    await assert.rejects(run(world().deps), {
      message: /^error loading configurations: 2 problems:\n.*dial_peer_timeout.*\n.*check_interval/
    })
  })

  it('is refused without any informer', async () => {
    edit(file => { file.informer = {} })

    await assert.rejects(run(world().deps), { message: /^error starting cluster: .*informer/ })
  })

  it('stops before a Go peer\'s data would be ignored, and says how to bring it over', async () => {
    edit(file => { file.datastore = { pebble: {} } })
    mkdirSync(join(folder, 'pebble'))
    writeFileSync(join(folder, 'pebble', 'CURRENT'), '')

    await assert.rejects(run(world().deps), {
      message: /ipfs-cluster-service -c .* state export -f pins\.json\n.*helia-cluster-service -c .* state import pins\.json\n/
    })
  })

  it('starts on such a folder with --fresh, or when the state is here already', async () => {
    edit(file => { file.datastore = { pebble: {} } })
    mkdirSync(join(folder, 'pebble'))
    writeFileSync(join(folder, 'pebble', 'CURRENT'), '')
    const fresh = world()
    const running = run(fresh.deps, { fresh: true })
    await fresh.ready
    fresh.signals.emit('SIGINT')
    await running

    mkdirSync(join(folder, 'state'))
    writeFileSync(join(folder, 'state', 'CURRENT'), '')
    const again = world()
    const second = run(again.deps)
    await again.ready
    again.signals.emit('SIGINT')

    assert.equal(await second, 0)
  })

  it('logs JSON when asked to', async () => {
    const one = world()
    one.terminal.variables = { GOLOG_LOG_FMT: 'json' }

    const running = run(one.deps)
    await one.ready
    one.signals.emit('SIGINT')
    await running

    const [line = ''] = one.terminal.printed.err.split('\n')
    assert.equal(JSON.parse(line).msg, '** IPFS Cluster is READY **')
  })
})
