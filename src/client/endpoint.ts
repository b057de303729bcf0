import { ClusterError } from '../base/errors.ts'

/** Where a REST API can be reached. */
export type Endpoint =
  | { kind: 'tcp', host: string, port: number, isName: boolean }
  | { kind: 'unix', path: string }
  /** HTTP over libp2p: the whole multiaddress, with its /p2p/ or /dnsaddr/. */
  | { kind: 'libp2p', address: string }

const dnsProtocols = new Set(['dns', 'dns4', 'dns6'])

/**
 * Reads a multiaddress, or `host:port` as other programs take it. Throws INVALID_ARGUMENT whose message says what is wrong with it, and the
 * form.
 */
export function parseEndpoint (text: string): Endpoint {
  if (!text.startsWith('/')) return hostAndPort(text)
  const [protocol = '', host = '', transport, port = '', ...rest] = text.slice(1).replace(/\/+$/, '').split('/')
  if (protocol === 'unix') return { kind: 'unix', path: `/${text.slice('/unix/'.length).replace(/^\/+/, '')}` }
  if (/\/(p2p|ipfs|dnsaddr)\/[^/]/.test(text)) return { kind: 'libp2p', address: text.replace('/ipfs/', '/p2p/') }
  const isName = dnsProtocols.has(protocol)
  if (protocol !== 'ip4' && protocol !== 'ip6' && !isName) throw invalid(text, `unknown protocol ${protocol}`)
  if (host === '') throw invalid(text, `unexpected end of multiaddr`)
  if (transport !== 'tcp' || !/^\d{1,5}$/.test(port) || Number(port) > 65535) {
    throw invalid(text, 'a TCP port is needed: /ip4/<address>/tcp/<port>')
  }
  if (rest.some(one => one !== 'http' && one !== 'https' && one !== 'tls')) throw invalid(text, `not known: /${rest.join('/')}`)
  return { kind: 'tcp', host, port: Number(port), isName }
}

/** `127.0.0.1:9094`, `[::1]:9094`, `peer.example:9094`, also after `http://`. */
function hostAndPort (text: string): Endpoint {
  const [, v6, name, port = ''] = /^(?:http:\/\/)?(?:\[([\da-f:.]+)\]|([\w.-]+)):(\d{1,5})\/?$/i.exec(text) ?? []
  const host = v6 ?? name
  if (host == null || Number(port) > 65535) throw invalid(text, 'must begin with / (such as /ip4/127.0.0.1/tcp/9094), or be host:port')
  return { kind: 'tcp', host, port: Number(port), isName: v6 == null && !/^[\d.]+$/.test(host) }
}

const invalid = (text: string, why: string): ClusterError =>
  new ClusterError(
    'INVALID_ARGUMENT', { multiaddress: text.slice(0, 200) }, { message: `failed to parse multiaddr ${JSON.stringify(text)}: ${why}` }
  )
