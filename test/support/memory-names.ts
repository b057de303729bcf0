import { ClusterError } from '../../src/base/errors.ts'
import type { NameRecord, NameResolver, NameTarget } from '../../src/ipfs/names.ts'

export interface MemoryNames extends NameResolver {
  /** Name → where it points, or what looking it up throws. */
  readonly targets: Map<string, NameTarget | Error>
  readonly records: Map<string, NameRecord | Error>
  /** Names that were looked up, in order. */
  readonly asked: Array<{ name: string, local: 'keys' | 'all' | undefined }>
}

const isDomain = (name: string): boolean => name.includes('.')

/** Names out of a map. */
export function memoryNames (entries: Record<string, string> = {}): MemoryNames {
  const targets = new Map<string, NameTarget | Error>(Object.entries(entries).map(([name, value]) => [name, { value, ttlSeconds: 60 }]))
  const records = new Map<string, NameRecord | Error>()
  const asked: MemoryNames['asked'] = []
  return {
    targets,
    records,
    asked,
    async resolveName (name, { signal, local } = {}) {
      signal?.throwIfAborted()
      asked.push({ name, local })
      // as if nobody had asked for the domain before
      if (local === 'all' && isDomain(name)) throw unknown(name)
      return found(targets.get(name), name)
    },
    async recordOf (key, { signal } = {}) {
      signal?.throwIfAborted()
      return found(records.get(key), key)
    }
  }
}

const unknown = (name: string): ClusterError =>
  new ClusterError('NOT_FOUND', { name }, { message: `could not resolve name: there is no record for ${name}` })

function found<T> (entry: T | Error | undefined, name: string): T {
  if (entry == null) throw unknown(name)
  if (entry instanceof Error) throw entry
  return entry
}
