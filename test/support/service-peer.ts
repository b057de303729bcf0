import { freePorts } from './free-ports.ts'
import { peerProcess, type PeerProcess } from './peer-process.ts'
import { pollUntil } from './poll.ts'

/** A real peer with the pinning service on 127.0.0.1. */
export interface ServicePeer extends PeerProcess {
  /** "http://127.0.0.1:9099". */
  service: string
  /** Signs somebody up; gives the key. */
  register (email: string): Promise<string>
}

/** Waits until the service at this address answers out of its database. */
export async function serviceReady (service: string, options: { signal?: AbortSignal } = {}): Promise<void> {
  // a key that is nobody's is looked up: 503 until the database is there
  const nobody = { headers: { 'x-api-key': `ak_${'0'.repeat(32)}` } }
  await pollUntil(
    async () => (await fetch(`${service}/api/v1/users/status`, nobody).catch(() => undefined))?.status === 401,
    { withinMs: 30_000, what: 'the service', ...options }
  )
}

let users = 0
export const anyEmail = (): string => `user${++users}-${process.pid}@example.com`

export async function servicePeer (section: Record<string, unknown> = {}, change: (json: any) => void = () => {}): Promise<ServicePeer> {
  const [port = 0] = await freePorts(1)
  const service = `http://127.0.0.1:${port}`
  const peer = await peerProcess(json => {
    json.api.service = { http_listen_multiaddress: `/ip4/127.0.0.1/tcp/${port}`, ...section }
    change(json)
  })
  const removed = new AbortController()
  const start = async (args?: string[]): Promise<void> => {
    await peer.start(args)
    await serviceReady(service, { signal: removed.signal })
  }
  const remove = async (): Promise<void> => {
    removed.abort()
    await peer.remove()
  }
  const register = async (email: string): Promise<string> => {
    const response = await fetch(`${service}/api/v1/users/register`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ email, password: 'a long enough password 1' })
    })
    const { data, message } = await response.json() as { data?: { api_key: string }, message: string }
    if (data == null) throw new Error(`nobody was signed up: ${response.status} ${message}`)
    return data.api_key
  }
  return { ...peer, service, start, remove, register }
}

/** A CID that holds its own content: whoever pins it needs nobody. */
export function inlineCid (text: string): string {
  const bytes = Buffer.from(text)
  return `f015500${bytes.length.toString(16).padStart(2, '0')}${bytes.toString('hex')}`
}
