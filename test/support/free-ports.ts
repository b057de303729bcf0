import { createServer } from 'node:net'
import type { ListenOptions } from 'node:net'

/** Where machines give no ports away by themselves, to who asks for any or connects (Linux: from 32768 on). */
const [first, count] = [20_000, 12_000] as const

/** Another place for each process to begin at. */
let next = process.pid * 97 % count

/**
 * Ports of 127.0.0.1 on which nobody listens. On Linux each is taken until this process ends: no other call gives it, in whatever process.
 * Elsewhere that is only unlikely.
 */
export async function freePorts (wanted: number): Promise<number[]> {
  const ports: number[] = []
  for (let tries = 0; ports.length < wanted; tries++) {
    if (tries === count) throw new Error('all ports for tests are taken')
    const port = first + next
    next = (next + 1) % count
    if (await isClaimed(port) && await canListen({ port, host: '127.0.0.1' }, { isKept: false })) ports.push(port)
  }
  return ports
}

/** A socket without a file stands for the port: it goes with the process, however that ends. */
const isClaimed = async (port: number): Promise<boolean> =>
  process.platform !== 'linux' || await canListen({ path: `\0helia-cluster-tests-port-${port}` }, { isKept: true })

async function canListen (where: ListenOptions, { isKept }: { isKept: boolean }): Promise<boolean> {
  const server = createServer()
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(where, resolve))
  } catch {
    return false
  }
  server.unref()
  if (!isKept) await new Promise(resolve => server.close(resolve))
  return true
}
