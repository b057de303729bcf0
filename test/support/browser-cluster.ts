import { startWeb } from './browser.ts'
import type { Web } from './browser.ts'
import { peerProcess, uploadForm } from './peer-process.ts'
import type { PeerProcess } from './peer-process.ts'
import { pollUntil } from './poll.ts'

export const operator = { username: 'operator', password: 'a long enough password 1' }
const secret = 'cd'.repeat(32)
const authorization = `Basic ${Buffer.from(`${operator.username}:${operator.password}`).toString('base64')}`

/** Three real peers; the first has the cluster's pages, and asks for credentials. */
export interface WebCluster {
  web: Web
  others: [PeerProcess, PeerProcess]
  /** Asks the first peer's REST API. */
  rest (path: string, method?: string): Promise<any> // any: shapes are what is tested
  /** Adds a file of this size; gives its CID. */
  add (name: string, sizeBytes: number, query: string): Promise<string>
  close (): Promise<void>
}

/** Fills the names in: the peers are called one, two and three. */
export async function startWebCluster (): Promise<WebCluster> {
  const settings = (json: any, name: string): void => { // any: service.json
    json.cluster.secret = secret
    json.cluster.peername = name
    json.cluster.monitor_ping_interval = '2s'
    json.monitor.pubsubmon.check_interval = '1s'
    json.cluster.disable_repinning = true
    json.consensus.crdt.rebroadcast_interval = '2s'
    json.ipfs_connector.helia.pin_timeout = '2m'
  }
  const web = await startWeb({
    site: 'cluster', credentials: { [operator.username]: operator.password }, change: json => settings(json, 'one')
  })
  const rest = async (path: string, method = 'GET'): Promise<any> => { // any: see above
    const answer = await fetch(web.rest + path, { method, headers: { authorization } })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return text === '' ? null : text.trim().includes('\n') ? text.trim().split('\n').map(line => JSON.parse(line)) : JSON.parse(text)
  }
  const others: PeerProcess[] = []
  const close = async (): Promise<void> => {
    await Promise.all(others.map(async peer => peer.remove()))
    await web.close()
  }
  try {
    const addresses = async (): Promise<string[]> => ((await rest('/id')) as { addresses: string[] | null }).addresses ?? []
    await pollUntil(async () => (await addresses()).length > 0, { what: 'an address' })
    const [address = ''] = await addresses()
    for (const name of ['two', 'three']) others.push(await peerProcess(json => settings(json, name)))
    await Promise.all(others.map(async peer => peer.start(['--bootstrap', address])))
    await pollUntil(async () => {
      const metrics = await rest('/monitor/metrics/freespace') as unknown[]
      return metrics.length === 3 && [await rest('/peers')].flat().filter(({ error }) => error === '').length === 3
    }, { withinMs: 60_000, what: 'three peers' })
  } catch (err) {
    await close().catch(() => {})
    throw err
  }
  return {
    web,
    others: others as [PeerProcess, PeerProcess],
    rest,
    add: async (name, sizeBytes, query) => {
      const bytes = new Uint8Array(sizeBytes).map((_, at) => (at * 7 + name.length + (at >> 8)) % 251)
      const answer = await fetch(
        `${web.rest}/add?stream-channels=false&name=${name}&${query}`,
        { method: 'POST', headers: { authorization }, body: uploadForm([{ name, bytes }]) }
      )
      const added = await answer.json() as Array<{ cid: string }>
      return added.at(-1)?.cid ?? ''
    },
    close
  }
}
