import { once } from 'node:events'
import { lstat, unlink } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import type { AddressInfo, ListenOptions, Server } from 'node:net'
import { ClusterError } from '../base/errors.ts'

/** Where to listen, from a multiaddr text: `/ip4/…/tcp/N`, `/ip6/…/tcp/N`, `/dns…/name/tcp/N` or `/unix/path`. Throws INVALID_CONFIG. */
export function listenOptionsOf (multiaddr: string): ListenOptions {
  const unix = /^\/unix(\/.+)$/.exec(multiaddr)?.[1]
  if (unix != null) return { path: unix }
  const tcp = /^\/(ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/(\d{1,5})(?:\/https?)?$/.exec(multiaddr)
  const port = Number(tcp?.[3])
  if (tcp == null || port > 65_535) {
    throw new ClusterError(
      'INVALID_CONFIG', { address: multiaddr },
      { message: `cannot listen on ${multiaddr}: /ip4, /ip6 or /dns with /tcp, or /unix, is required` }
    )
  }
  return { host: tcp[2] ?? '', port }
}

/**
 * Removes a unix socket that a killed process has left behind: nobody accepts on it. One that is in use stays, and so does a file that is
 * no socket; listening then fails and says so.
 */
export async function removeStaleSocket (path: string): Promise<void> {
  const probe = connect({ path })
  try {
    await once(probe, 'connect')
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ECONNREFUSED') await unlinkSocket(path)
  } finally {
    probe.destroy()
  }
}

async function unlinkSocket (path: string): Promise<void> {
  if ((await lstat(path)).isSocket()) await unlink(path)
}

/** The multiaddr of a bound address (as net.Server.address() gives it). */
export function multiaddrOf (address: string | { address: string, family: string, port: number } | null): string {
  if (address == null) return ''
  if (typeof address === 'string') return `/unix${address}`
  return `/${address.family === 'IPv6' ? 'ip6' : 'ip4'}/${address.address}/tcp/${address.port}`
}

/** One line that names the listener, its address and what the machine says. */
export const cannotListen = (name: string, address: string, cause: Error): ClusterError =>
  new ClusterError('INVALID_CONFIG', { address }, { message: `${name} can't listen on ${address}: ${cause.message}`, cause })

/** Resolves when the server listens; rejects with what the machine says. */
export async function listening (server: Server, options: ListenOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/**
 * A TCP address that nobody listens on, names and ports filled in. Rejects with EADDRINUSE when somebody does, and be it with a port that
 * is to be shared.
 */
export async function freeAddress (options: ListenOptions): Promise<ListenOptions> {
  const trial = createServer(socket => socket.destroy())
  await listening(trial, options)
  const { address, port } = trial.address() as AddressInfo
  await new Promise(resolve => { trial.close(resolve) })
  return { host: address, port }
}
