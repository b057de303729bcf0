import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Clock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/log.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import { WorkerRunner } from '../../src/base/worker.ts'
import { memoryBlockstore } from './memory-blockstore.ts'
import { memoryDatastore } from './memory-datastore.ts'
import { keyFolder } from '../../src/ipfs/helia/names/key-files.ts'
import { heliaConnector } from '../../src/ipfs/helia/connector.ts'
import type { HeliaConnector, HeliaDeps, HeliaInit } from '../../src/ipfs/helia/connector.ts'
import { testNames } from './names.ts'

export interface RunningHelia { connector: HeliaConnector, passTime (ms: number): void, close (): Promise<void> }

/** How long a pin of `startHelia` may go without progress. */
export const pinTimeoutMs = 10_000

/** A clock that can be put forward: its timers are the machine's, and those that `passTime` puts into the past fire at once. */
export function shiftedClock (): Clock & { passTime (ms: number): void } {
  let shift = 0
  const now = (): number => systemClock.now() + shift
  const pending = new Set<{ due: number, fire: () => void }>()
  const after = (ms: number, callback: () => void): () => void => {
    const end = (): void => {
      cancel()
      pending.delete(timer)
    }
    const timer = {
      due: now() + ms,
      fire: () => {
        end()
        callback()
      }
    }
    const cancel = systemClock.after(ms, timer.fire)
    pending.add(timer)
    return end
  }
  const passTime = (ms: number): void => {
    shift += ms
    for (const timer of pending) if (timer.due <= now()) timer.fire()
  }
  return { ...systemClock, now, after, passTime }
}

/** A started embedded node on stores in memory, reachable on 127.0.0.1 only, that knows nobody. */
export async function startHelia (
  init: Partial<HeliaInit> = {}, stores: Partial<Pick<HeliaDeps, 'blockstore' | 'datastore' | 'txt' | 'denylist' | 'allocatedPeersOf'>> = {}
): Promise<RunningHelia> {
  const clock = shiftedClock()
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-helia-'))
  const { blockstore = memoryBlockstore(), datastore = memoryDatastore(), txt, denylist, allocatedPeersOf } = stores
  const workers = new WorkerRunner({ clock, random: systemRandom, log: silentLogger })
  const connector = heliaConnector({
    privateKey: privateKeyToProtobuf(await generateKeyPair('Ed25519')),
    folder,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    announce: [],
    bootstrap: [],
    dht: 'off',
    agentVersion: 'helia-cluster/0.0.0-test',
    storageMaxBytes: 1e9,
    pinTimeoutMs,
    requestTimeoutMs: 10_000,
    unpinDisable: false,
    fetchConcurrency: 64,
    provide: 'off',
    reprovideIntervalMs: 3_600_000,
    names: testNames,
    ...init
  }, {
    blockstore, datastore, clock, random: systemRandom, log: silentLogger, workers, nameKeys: keyFolder(join(folder, 'ipfs-keys')), txt,
    ...(denylist == null ? {} : { denylist }), ...(allocatedPeersOf == null ? {} : { allocatedPeersOf })
  })
  const { signal } = new AbortController()
  await blockstore.start(signal)
  await datastore.start(signal)
  await connector.start(signal)
  await workers.start()
  return {
    connector,
    passTime: clock.passTime,
    close: async () => {
      await connector.stop()
      await workers.stop()
      await blockstore.stop()
      await datastore.stop()
      await rm(folder, { recursive: true, force: true })
    }
  }
}
