import { freePorts } from '../support/free-ports.ts'
import { peerProcess, type PeerProcess } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'
import { goPeer } from './go-peer.ts'

/**
 * `discovery-scenes mdns|dht|public KINDS`: plays a scene inside a network of its own (see discovery.test.ts) and ends with 0 when it came
 * out well: the peers have found each other, or (`public`, our peer first) it knows that it is publicly reachable.
 * KINDS: go or node for each peer, comma-separated. Peers listen on 10.77.0.1, 10.77.0.2, …,
 * because Go keeps loopback addresses out of its DHT, or on addresses that pass for public.
 */
const [scene = '', kinds = ''] = process.argv.slice(2)

const hosts = scene === 'public' ? ['8.8.4.1', '9.9.9.1'] : ['10.77.0.1', '10.77.0.2', '10.77.0.3']

const json = async (url: string): Promise<any> => (await fetch(url, { signal: AbortSignal.timeout(30_000) })).json()

const peers: PeerProcess[] = await Promise.all(kinds.split(',').map(async (kind, index) => {
  const [port = 0] = await freePorts(1)
  return (kind === 'go' ? goPeer : peerProcess)(json => {
    Object.assign(json.cluster, {
      secret: 'ab'.repeat(32), listen_multiaddress: [`/ip4/${hosts[index]}/tcp/${port}`], monitor_ping_interval: '2s',
      mdns_interval: scene === 'mdns' ? '10s' : '0s'
    })
    json.consensus.crdt.trusted_peers = ['*']
    for (const informer of Object.values<any>(json.informer)) if (informer.metric_ttl != null) informer.metric_ttl = '5s'
  })
}))

/** Who a peer is connected to, by its own word. */
async function neighboursOf ({ url }: PeerProcess): Promise<string[]> {
  const id = await json(`${url}/id`)
  return (id.cluster_peers as string[] ?? []).filter(peer => peer !== id.id)
}

async function listed ({ url }: PeerProcess): Promise<any[]> {
  const text = await (await fetch(`${url}/peers`, { signal: AbortSignal.timeout(30_000) })).text()
  return text.split('\n').filter(line => line.trim() !== '').map(line => JSON.parse(line))
}

async function addressOf ({ url }: PeerProcess): Promise<string> {
  let found: string | undefined
  await pollUntil(async () => {
    found = (await json(`${url}/id`)).addresses?.find((address: string) => hosts.some(host => address.startsWith(`/ip4/${host}/`)))
    return found != null
  }, { what: 'an address' })
  return found ?? ''
}

/** Without any address from us: all are connected to all, and each lists all without an error. */
async function allFindAll (): Promise<void> {
  let last = ''
  await pollUntil(async () => {
    const seen = await Promise.all(
      peers.map(async peer => ({
        neighbours: (await neighboursOf(peer)).length, listed: (await listed(peer)).filter(({ error }) => error === '').length
      }))
    )
    last = JSON.stringify(seen)
    return seen.every(({ neighbours, listed }) => neighbours === peers.length - 1 && listed === peers.length)
  }, { everyMs: 300, withinMs: 45_000, what: 'all peers at all peers' }).catch(err => {
    throw new Error(`${err.message}: ${last}\n${peers.map(peer => peer.log().slice(-1500)).join('\n----\n')}`)
  })
}

/** The first and the last know the middle one only. */
async function throughTheMiddle (): Promise<void> {
  const [first, middle, last] = peers as [PeerProcess, PeerProcess, PeerProcess]
  await middle.start()
  const address = await addressOf(middle)
  await Promise.all([first, last].map(async peer => peer.start(['--bootstrap', address])))
}

/** Go's peer and ours dial each other back on request. The address is announced before that. */
async function provenPublic (): Promise<void> {
  const [ours, other] = peers as [PeerProcess, PeerProcess]
  await ours.start()
  await other.start(['--bootstrap', await addressOf(ours)])
  await pollUntil(() => /p2p\s+reachability\s+.*"public"/.test(ours.log()), { withinMs: 60_000, what: 'a proof' }).catch(err => {
    throw new Error(`${err.message}\n${ours.log().slice(-3000)}`)
  })
}

const scenes: Record<string, () => Promise<void>> = {
  mdns: async () => {
    await Promise.all(peers.map(async peer => peer.start()))
    await allFindAll()
  },
  dht: async () => {
    await throughTheMiddle()
    await allFindAll()
  },
  public: provenPublic
}

try {
  const begin = performance.now()
  await scenes[scene]?.()
  console.log(`well after ${Math.round(performance.now() - begin)} ms`)
} catch (err) {
  console.error(err)
  process.exitCode = 1
} finally {
  await Promise.all(peers.map(async peer => peer.remove()))
}
