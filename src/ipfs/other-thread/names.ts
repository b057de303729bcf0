import type { PortCalls } from '../../base/port-calls.ts'
import type { NameOptions, NameResolver } from '../names.ts'
import type { NameCall } from './calls.ts'

/** The names that a node in another thread looks up. */
export const threadNames = ({ calls }: { calls: Pick<PortCalls, 'call'> }): NameResolver => {
  const asked = async <T>(what: string, name: string, { signal, ...options }: NameOptions = {}): Promise<T> => {
    const call: NameCall = { name, options }
    return calls.call<T>(what, call, { signal })
  }
  return {
    resolveName: async (name, options) => asked('resolveName', name, options),
    recordOf: async (key, options) => asked('recordOf', key, options)
  }
}
