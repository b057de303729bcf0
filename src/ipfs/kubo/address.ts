import { ClusterError } from '../../base/errors.ts'

/** Where a Kubo's RPC API listens. `origin` is how Go writes it in error texts. */
export interface KuboAddress {
  isHttps: boolean
  origin: string
  /** What Go names in "dial tcp …". */
  dialled: string
  connection: { host: string, port: number } | { socketPath: string }
}

/**
 * Reads `/ip4/…/tcp/N`, `/ip6/…/tcp/N`, `/dns…/name/tcp/N` (with `/http` or `/https` at the end) and `/unix/path`. Throws INVALID_CONFIG.
 */
export function kuboAddress (multiaddr: string): KuboAddress {
  const socketPath = /^\/unix(\/.+)$/.exec(multiaddr)?.[1]
  if (socketPath != null) {
    return { isHttps: false, origin: `http://${socketPath}`, dialled: `unix ${socketPath}`, connection: { socketPath } }
  }
  const [, kind, host, digits, scheme] = /^\/(ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/(\d{1,5})(?:\/(https?))?$/.exec(multiaddr) ?? []
  const port = Number(digits)
  if (host == null || port > 65_535) {
    throw new ClusterError(
      'INVALID_CONFIG', { address: multiaddr },
      { message: `${multiaddr} is not the address of an IPFS RPC API: /ip4, /ip6 or /dns4 with /tcp, or /unix, is required` }
    )
  }
  const shown = `${kind === 'ip6' ? `[${host}]` : host}:${port}`
  return { isHttps: scheme === 'https', origin: `${scheme ?? 'http'}://${shown}`, dialled: `tcp ${shown}`, connection: { host, port } }
}
