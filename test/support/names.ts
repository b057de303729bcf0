import { silentLogger } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import { memoryDatastore } from './memory-datastore.ts'
import type { Datastore } from '../../src/datastore/datastore.ts'
import type { KeyFiles } from '../../src/ipfs/helia/names/key-files.ts'
import { Names } from '../../src/ipfs/helia/names/names.ts'
import type { NamesDeps, NamesInit } from '../../src/ipfs/helia/names/names.ts'
import type { NameRouting } from '../../src/ipfs/helia/names/routing.ts'
import { newIdentity } from '../../src/node/folder/identity.ts'
import type { Identity } from '../../src/node/folder/identity.ts'

const hour = 3_600_000

/** Settings of names as `init` writes them. */
export const testNames: NamesInit = {
  recordLifetimeMs: 48 * hour,
  republishPeriodMs: 4 * hour,
  resolveTimeoutMs: 60_000,
  cache: { size: 128, maxAgeMs: hour },
  dnslink: { timeoutMs: 10_000, concurrency: 32 },
  fixed: new Map()
}

/** Private keys in memory. */
export function memoryKeys (): KeyFiles {
  const keys = new Map<string, Uint8Array>()
  return {
    names: async () => [...keys.keys()],
    read: async name => keys.get(name),
    write: async (name, key) => { keys.set(name, key) },
    rename: async (from, to) => {
      keys.set(to, keys.get(from) ?? new Uint8Array(0))
      keys.delete(from)
    },
    remove: async name => { keys.delete(name) }
  }
}

/** A routing system in memory that several nodes share; `values` are newest first. */
export function memoryRouting (): NameRouting & { kept: Map<string, Uint8Array[]> } {
  const kept = new Map<string, Uint8Array[]>()
  const nameOf = (key: Uint8Array): string => Buffer.from(key).toString('hex')
  return {
    isOn: true,
    kept,
    async * values (key) { yield * kept.get(nameOf(key)) ?? [] },
    async put (key, value) {
      kept.set(nameOf(key), [value, ...kept.get(nameOf(key)) ?? []])
      return 1
    }
  }
}

export const noRouting: NameRouting = { isOn: false, async * values () {}, put: async () => 0 }

export interface TestNames { names: Names, self: string, datastore: Datastore }

/** The names of a node on stores in memory, without routing unless one is given. */
export function makeNames (
  init: Partial<NamesInit> = {}, deps: Partial<Omit<NamesDeps, 'datastore'>> & { datastore?: Datastore, identity?: Identity } = {}
): TestNames {
  const { identity = newIdentity() } = deps
  const datastore = deps.datastore ?? memoryDatastore()
  // in memory, this is done at once
  if (deps.datastore == null) void datastore.start(new AbortController().signal)
  const names = new Names({ ...testNames, ...init }, {
    self: identity.privateKey, keyFiles: memoryKeys(), routing: noRouting, txt: undefined, clock: systemClock, log: silentLogger, ...deps,
    datastore
  })
  return { names, self: identity.id, datastore }
}
