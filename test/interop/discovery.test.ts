import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { missing } from './go-peer.ts'

/** A network of its own, with multicast: nothing of it is seen outside, and nobody outside is found. */
const network = [
  'ip link set lo up multicast on',
  'for n in 10.77.0.1 10.77.0.2 10.77.0.3 8.8.4.1 9.9.9.1; do ip addr add $n/32 dev lo; done',
  'ip route add 224.0.0.0/4 dev lo',
  // AutoNAT does not dial who asks from the address that it has itself
  'ip route replace local 9.9.9.1 dev lo src 8.8.4.1 table local',
  'ip route replace local 8.8.4.1 dev lo src 9.9.9.1 table local',
  'exec "$@"'
].join(' && ')
const scenes = fileURLToPath(new URL('discovery-scenes.ts', import.meta.url))

async function inOwnNetwork (...command: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('unshare', ['--net', 'bash', '-c', network, '-', ...command], { timeout: 90_000 })
  return stdout
}

const noNetwork: string | false = await inOwnNetwork('true').then(
  () => false, err => `no network of its own can be made here: ${String(err.stderr ?? err.message).trim()}`
)
const skip = noNetwork === false ? missing('ipfs', 'ipfs-cluster-service') : noNetwork

describe('discovery', () => {
  for (const kinds of ['node,node', 'node,go']) {
    it(`finds peers of the local network by mDNS (${kinds})`, { skip: kinds.includes('go') ? skip : noNetwork }, async () => {
      assert.match(await inOwnNetwork(process.execPath, scenes, 'mdns', kinds), /well after/)
    })
  }

  for (const kinds of ['node,node,node', 'node,go,node', 'go,node,go', 'node,node,go', 'go,go,node']) {
    it(`finds who only a third peer knows through the DHT (${kinds})`, { skip: kinds.includes('go') ? skip : noNetwork }, async () => {
      assert.match(await inOwnNetwork(process.execPath, scenes, 'dht', kinds), /well after/)
    })
  }

  for (const kinds of ['node,node', 'node,go']) {
    it(`learns from another peer that it is publicly reachable (${kinds})`, { skip: kinds.includes('go') ? skip : noNetwork }, async () => {
      assert.match(await inOwnNetwork(process.execPath, scenes, 'public', kinds), /well after/)
    })
  }
})
