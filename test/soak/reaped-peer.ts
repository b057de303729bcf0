/**
 * A peer from the sources whose gossip streams die: `node reaped-peer.ts -c FOLDER daemon [--bootstrap ADDRESS]`, as the daemon. Every
 * REAP_MS milliseconds on average (default 20000; 0: never) it resets one of its streams, its own or another peer's, and says so on stderr;
 * the connections live on. SIGUSR2 ends that.
 */
import { parseArgs } from 'node:util'
import type { Stream } from '@libp2p/interface'
import { runDaemon, systemDaemonDeps } from '../../cmd/helia-cluster-service/daemon.ts'
import { systemTerminal } from '../../cmd/helia-cluster-service/terminal.ts'
import { Lifecycle } from '../../src/base/lifecycle.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import type { Libp2pClusterHost } from '../../src/network/host/host.ts'
import { loadObserver } from '../../src/node/compose/compose-observe.ts'
import { composeNode } from '../../src/node/compose/compose.ts'
import type { StartNode } from '../../src/node/node-contract.ts'

const averageMs = Number(process.env.REAP_MS ?? 20_000)
let isReaping = averageMs > 0
process.on('SIGUSR2', () => { isReaping = false })

function reap (host: Libp2pClusterHost): void {
  systemClock.after(averageMs * 2 * systemRandom.float(), () => {
    if (!isReaping) return
    const streams: Stream[] = host.libp2p().getConnections().flatMap(({ streams }) => streams).filter(
      ({ protocol }) => protocol.startsWith('/meshsub/')
    )
    const victim = streams[Math.floor(systemRandom.float() * streams.length)]
    if (victim != null) process.stderr.write(`REAPED ${victim.direction}\n`)
    victim?.abort(new Error('reaped'))
    reap(host)
  })
}

const startReaped: StartNode = async init => {
  const { components, addresses } = composeNode(init, { observer: await loadObserver(init) })
  const lifecycle = new Lifecycle({ stopTimeoutMs: 8000 }, { clock: systemClock, log: init.log })
  await lifecycle.start(components, init.signal)
  const host = components.find(({ name }) => name === 'cluster host')
  if (isReaping) reap(host as Libp2pClusterHost)
  return { addresses: addresses(), stop: async () => lifecycle.stop(), failed: new Promise<never>(() => {}) }
}

const { values: { config: folder = '', bootstrap } } = parseArgs({
  options: { config: { type: 'string', short: 'c' }, bootstrap: { type: 'string' } }, allowPositionals: true
})
const deps = systemDaemonDeps(systemTerminal())
const loadNode = async (): Promise<StartNode> => {
  await deps.loadNode()
  return startReaped
}
process.exit(await runDaemon({ folder, levels: 'info', trust: false, ...(bootstrap == null ? {} : { bootstrap }) }, { ...deps, loadNode }))
