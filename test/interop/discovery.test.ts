import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { missing } from './go-peer.ts'

/** A network of its own, with multicast: nothing of it is seen outside, and nobody outside is found. */
const network = 'ip link set lo up multicast on && for n in 1 2 3; do ip addr add 10.77.0.$n/24 dev lo; done && ip route add 224.0.0.0/4 dev lo && exec "$@"'
const scenes = fileURLToPath(new URL('discovery-scenes.ts', import.meta.url))

async function inOwnNetwork (...command: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('unshare', ['--net', 'bash', '-c', network, '-', ...command], { timeout: 90_000 })
  return stdout
}

const noNetwork: string | false = await inOwnNetwork('true').then(() => false, err => `no network of its own can be made here: ${String(err.stderr ?? err.message).trim()}`)
const skip = noNetwork === false ? missing('ipfs', 'ipfs-cluster-service') : noNetwork

describe('discovery, without anybody being told an address', () => {
  for (const kinds of ['node,node', 'node,go']) {
    it(`finds peers of the local network by mDNS (${kinds})`, { skip: kinds.includes('go') ? skip : noNetwork }, async () => {
      assert.match(await inOwnNetwork(process.execPath, scenes, 'mdns', kinds), /found after/)
    })
  }

  for (const kinds of ['node,node,node', 'node,go,node', 'go,node,go', 'node,node,go', 'go,go,node']) {
    it(`finds who only a third peer knows through the DHT (${kinds})`, { skip: kinds.includes('go') ? skip : noNetwork }, async () => {
      assert.match(await inOwnNetwork(process.execPath, scenes, 'dht', kinds), /found after/)
    })
  }
})
