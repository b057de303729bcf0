import { isIPv4 } from 'node:net'
import { ipFamily } from '../base/text/ip-family.ts'
import { normalPeerId } from './peer-id-text.ts'

type ValueCheck = (value: string) => boolean

const port: ValueCheck = value => /^\d{1,5}$/.test(value) && Number(value) <= 65535
const some: ValueCheck = value => value !== ''
const peer: ValueCheck = value => normalPeerId(value) != null
const cidr: ValueCheck = value => /^\d{1,3}$/.test(value) && Number(value) <= 128

/**
 * The protocols of a multiaddress; null: it has no value. Texts are checked here so that the multiaddr library is loaded only by who dials.
 */
const protocols: Record<string, ValueCheck | null> = {
  ip4: isIPv4, ip6: text => ipFamily(text) === 6, ip6zone: some, ipcidr: cidr,
  dns: some, dns4: some, dns6: some, dnsaddr: some,
  tcp: port, udp: port, dccp: port, sctp: port, sni: some,
  p2p: peer, ipfs: peer, 'p2p-circuit': null,
  quic: null, 'quic-v1': null, webtransport: null, certhash: some, webrtc: null, 'webrtc-direct': null,
  tls: null, noise: null, http: null, https: null, 'http-path': some, ws: null, wss: null, plaintextv2: null,
  onion: some, onion3: some, garlic32: some, garlic64: some, memory: some
}

/** True when the text is a multiaddress. `/unix/` takes the whole rest as its path. */
export function isMultiaddr (text: string): boolean {
  const [first, ...parts] = text.replace(/\/+$/, '').split('/')
  if (first !== '' || parts.length === 0) return false
  while (parts.length > 0) {
    const name = parts.shift() ?? ''
    if (name === 'unix') return parts.length > 0
    const check = Object.hasOwn(protocols, name) ? protocols[name] : undefined
    if (check === undefined) return false
    if (check !== null && !check(parts.shift() ?? '')) return false
  }
  return true
}

/** The peer ID at the end of `/…/p2p/<id>` in base58; undefined when there is none. */
export function peerOfMultiaddr (text: string): string | undefined {
  const found = /\/(?:p2p|ipfs)\/([^/]+)\/?$/.exec(text)?.[1]
  return found == null ? undefined : normalPeerId(found)
}
