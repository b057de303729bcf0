import type { ComponentLogger, ConnectionProtector, MultiaddrConnection } from '@libp2p/interface'
import { preSharedKey } from '@libp2p/pnet'
import { ClusterError } from '../../base/errors.ts'

/** One piece of ciphertext. @libp2p/pnet 3.0.27 ends the process when a single send exceeds about 640 KiB. */
const windowBytes = 32 * 1024
/** The nonces must be exchanged within this time; the library's second is too short for a busy machine. */
const nonceTimeoutMs = 10_000

/**
 * The protector of a private network (Go's pnet): every connection is ciphered with XSalsa20 under the cluster secret, 64 hexadecimal digits.
 * Throws INVALID_CONFIG for other secrets.
 */
export function clusterProtector (secret: string): (components: { logger: ComponentLogger }) => ConnectionProtector {
  if (!/^[0-9a-f]{64}$/i.test(secret)) throw new ClusterError('INVALID_CONFIG', {}, { message: 'the cluster secret must be 64 hexadecimal digits' })
  const psk = new TextEncoder().encode(`/key/swarm/psk/1.0.0/\n/base16/\n${secret.toLowerCase()}\n`)
  const create = preSharedKey({ psk, timeout: nonceTimeoutMs })
  return () => inWindows(create())
}

function inWindows (protector: ConnectionProtector): ConnectionProtector {
  return {
    protect: async (connection: MultiaddrConnection, options) => {
      const box = await protector.protect(connection, options)
      // libp2p's streams cut what they send into pieces of this size; the library forgets to set it
      return Object.assign(box, { maxMessageSize: windowBytes })
    }
  }
}
