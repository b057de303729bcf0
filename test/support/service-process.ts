import { freePorts } from './free-ports.ts'
import { peerProcess } from './peer-process.ts'
import type { PeerProcess } from './peer-process.ts'
import { pollUntil } from './poll.ts'

/** A real peer with a service. */
export interface ServiceProcess {
  peer: PeerProcess
  /** "http://127.0.0.1:PORT" */
  api: string
  /** Starts the daemon, and waits until the service answers. */
  start (args?: string[]): Promise<void>
  register (email: string): Promise<string>
}

export const password = 'securePassword123'

/** Limits that no test reaches. */
export const noLimits = { per_key: '', per_address: '', sign_up: '', login: '', code: '', per_account: '' }

/** Initialized, not started. `section` changes what is said of `api.service`, `change` everything else. */
// any: service.json
export async function serviceProcess (
  section: Record<string, unknown> = {}, change: (json: any) => void = () => {}
): Promise<ServiceProcess> {
  const [port = 0] = await freePorts(1)
  const api = `http://127.0.0.1:${port}`
  const peer = await peerProcess(json => {
    json.api.service = { http_listen_multiaddress: `/ip4/127.0.0.1/tcp/${port}`, mail: { log: true }, rate_limits: noLimits, ...section }
    change(json)
  })
  return {
    peer,
    api,
    start: async (args = []) => {
      await peer.start(args)
      await pollUntil(
        async () => (
          await fetch(`${api}/api/v1/users/status`, { headers: { 'x-api-key': `ak_${'0'.repeat(32)}` } }).catch(() => undefined)
        )?.status === 401,
        { what: 'the service' }
      )
    },
    register: async email => {
      const response = await fetch(`${api}/api/v1/users/register`, { method: 'POST', body: JSON.stringify({ email, password }) })
      const { data } = await response.json() as { data: { api_key: string } }
      return data.api_key
    }
  }
}
