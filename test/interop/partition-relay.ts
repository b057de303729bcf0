import { readFile, readdir, readlink } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'

/**
 * The only ways between the peers of a cluster, which can be cut: each peer announces the address of a relay that stands before its real
 * one.
 * Nothing of the system's is changed (no firewall), so it needs no rights; Linux only, because /proc tells whose a connection is.
 */
export interface Relays {
  /** Where others reach this peer: what it is to announce. */
  address (index: number): string
  /** The port that this peer really listens on. */
  lead (index: number, port: number): void
  /** Parts these peers from all others: their connections end, and new ones are refused. */
  cut (apart: readonly number[]): void
  heal (): void
  close (): Promise<void>
}

interface Link { from: number, to: number, sockets: Socket[] }

/** The inodes of TCP sockets between these two local ports, as seen from the first. */
async function inodes (localPort: number, remotePort: number): Promise<Set<string>> {
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0')
  const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map(line => line.trim().split(/\s+/))
  return new Set(
    lines.filter(
      fields => fields[1]?.endsWith(`:${hex(localPort)}`) === true && fields[2]?.endsWith(`:${hex(remotePort)}`) === true
    ).map(fields => `socket:[${fields[9]}]`)
  )
}

async function holds (pid: number, sockets: ReadonlySet<string>): Promise<boolean> {
  if (pid === 0) return false
  const files = await readdir(`/proc/${pid}/fd`).catch(() => [])
  const targets = await Promise.all(files.map(async file => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')))
  return targets.some(target => sockets.has(target))
}

/** Relays for `count` peers, listening. `pid` gives a peer's process, 0 when it doesn't run. */
export async function openRelays (count: number, pid: (index: number) => number): Promise<Relays> {
  const links = new Set<Link>()
  const ports: number[] = []
  let apart = new Set<number>()
  const isCut = ({ from, to }: Pick<Link, 'from' | 'to'>): boolean => apart.has(from) !== apart.has(to)
  const end = (link: Link): void => { for (const socket of link.sockets) socket.destroy() }

  async function ownerOf (socket: Socket): Promise<number> {
    const sockets = await inodes(socket.remotePort ?? 0, socket.localPort ?? 0)
    for (let index = 0; index < count; index++) if (await holds(pid(index), sockets)) return index
    return -1
  }

  async function take (socket: Socket, to: number): Promise<void> {
    socket.on('error', () => {})
    const from = await ownerOf(socket)
    if (from < 0 || isCut({ from, to }) || socket.destroyed) return void socket.destroy()
    const onward = connect({ port: ports[to] ?? 0, host: '127.0.0.1', noDelay: true })
    const link = { from, to, sockets: [socket, onward] }
    links.add(link)
    for (const one of link.sockets) one.on('error', () => {}).on('close', () => { end(link); links.delete(link) })
    socket.setNoDelay(true)
    socket.pipe(onward).pipe(socket)
  }

  const servers: Server[] = await Promise.all(Array.from({ length: count }, async (_, to) => {
    const server = createServer(socket => { take(socket, to).catch(() => socket.destroy()) })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return server
  }))

  const own = servers.map(server => (server.address() as { port: number }).port)

  return {
    address: index => `/ip4/127.0.0.1/tcp/${own[index]}`,
    lead: (index, port) => { ports[index] = port },
    cut: indexes => {
      apart = new Set(indexes)
      for (const link of links) if (isCut(link)) end(link)
    },
    heal: () => { apart = new Set() },
    close: async () => {
      for (const link of links) end(link)
      await Promise.all(servers.map(async server => new Promise(resolve => server.close(resolve))))
    }
  }
}
