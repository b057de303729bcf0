import { ClusterError } from '../base/errors.ts'

/** `/ip4/127.0.0.1/tcp/8080` → host and port. Throws INVALID_CONFIG for anything but an IP or DNS name with a TCP port. */
export function hostAndPort (address: string): { host: string, port: number } {
  const [, kind, host, tcp, port] = address.split('/')
  if (!/^(ip[46]|dns[46]?)$/.test(kind ?? '') || tcp !== 'tcp' || host == null || !/^\d+$/.test(port ?? '')) {
    throw new ClusterError('INVALID_CONFIG', { address }, { message: `${address} is not a TCP address like /ip4/127.0.0.1/tcp/8080` })
  }
  return { host, port: Number(port) }
}
