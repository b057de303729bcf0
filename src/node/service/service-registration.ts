import { isIP } from 'node:net'
import type { ServiceApiConfig } from '../../config/service-config.ts'
import type { RegistrationMode } from '../../service/accounts/accounts.ts'

/**
 * Who can sign up, when nothing is said: everybody on this machine; from outside whoever proves an address, or nobody where no code can be
 * sent.
 */
export function registrationOf (
  { registration, httpListenMultiaddress, publicUrl, trustedProxies, mail }: ServiceApiConfig
): RegistrationMode {
  if (registration !== '') return registration
  const isLocal = httpListenMultiaddress.every(isLoopback) && publicUrl === '' && trustedProxies.length === 0
  if (isLocal) return 'open'
  return mail.smtpUrl != null || mail.log ? 'verified' : 'closed'
}

/** A unix socket is reached from this machine. */
function isLoopback (multiaddr: string): boolean {
  const [, kind = '', host = ''] = multiaddr.split('/')
  if (kind === 'unix') return true
  if (isIP(host) === 4) return host.startsWith('127.')
  return host === '::1' || host === 'localhost'
}
