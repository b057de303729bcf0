import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Where `npm i --prefix FOLDER @helia/verified-fetch@8.0.4` has put it: it is too large (335 MB) to come with every checkout. */
const folder = process.env['VERIFIED_FETCH'] ?? ''
const entry = join(folder, 'node_modules/@helia/verified-fetch/dist/src/index.js')

export interface VerifiedFetch {
  (url: string, init?: { headers?: Record<string, string>, signal?: AbortSignal }): Promise<Response>
  stop (): Promise<void>
}

/** Why it can't be used here; undefined when it can. */
export async function whyNoVerifiedFetch (): Promise<string | undefined> {
  if (folder === '') return '$VERIFIED_FETCH is not set: the folder in which @helia/verified-fetch is installed'
  return access(entry).then(() => undefined, () => `@helia/verified-fetch is not in ${folder}`)
}

/**
 * With this gateway and nothing else: no libp2p addresses, no bootstrap, no DNS. Names it asks of a router, which has nothing but the
 * gateway's records.
 */
export async function verifiedFetch (gateway: string): Promise<VerifiedFetch> {
  const { createVerifiedFetch } = await import(pathToFileURL(entry).href) as {
    createVerifiedFetch: (init: unknown) => Promise<VerifiedFetch>
  }
  const records = await recordsOf(gateway)
  const made = await createVerifiedFetch({
    gateways: [gateway],
    routers: [records.url],
    dnsResolvers: [],
    allowLocal: true,
    allowInsecure: true,
    // without peers its DHT would look for some for ever
    libp2pConfig: { addresses: { listen: [] }, peerDiscovery: [], transports: [], services: {} }
  })
  const fetch: VerifiedFetch = Object.assign(async (url: string, init?: Parameters<VerifiedFetch>[1]) => made(url, init), {
    stop: async () => {
      await made.stop()
      records.close()
    }
  })
  return fetch
}

/** Delegated routing for IPNS only. */
async function recordsOf (gateway: string): Promise<{ url: string, close: () => void }> {
  const server = createServer((request, response) => {
    const [, name] = /^\/routing\/v1\/ipns\/(\w+)$/.exec(request.url ?? '') ?? []
    const answer = async (): Promise<void> => {
      const record = name == null ? undefined : await fetch(`${gateway}/ipns/${name}?format=ipns-record`)
      response.writeHead(record?.status ?? 404, { 'content-type': record?.headers.get('content-type') ?? 'text/plain' })
      response.end(record == null ? '' : Buffer.from(await record.arrayBuffer()))
    }
    answer().catch(() => response.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    }
  }
}
