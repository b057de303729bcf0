import { messageOf } from '../../src/base/errors.ts'
import type { ServiceConfig } from '../../src/config/service-config.ts'

const ways: ReadonlyArray<[code: string, way: (key: string) => string]> = [
  [
    'EADDRINUSE',
    key => `another program has this port: stop it, or change ${key} (init --randomports makes a configuration with free ports)`
  ],
  ['EADDRNOTAVAIL', key => `this machine has no such address: change ${key}`],
  ['EACCES', key => `this user may not listen there (ports below 1024 need the right to): change ${key}`]
]

/**
 * Why a peer doesn't start, in one line. An address that can't be listened on comes with its section and key in service.json, and with the
 * way out.
 */
export function startFailure (err: unknown, config: ServiceConfig): string {
  const text = messageOf(err)
  const way = ways.find(([code]) => text.includes(code))?.[1]
  if (way == null) return text
  const key = addressesIn(config).find(({ address }) => text.split(/[\s,()]+/).some(word => word.replace(/:$/, '') === address))?.key
  return `${text}: ${way(key == null ? 'the address in service.json' : `${key} in service.json`)}`
}

/** Where the settings are called otherwise than in service.json. */
const sections: Readonly<Record<string, string>> = { ipfs: 'ipfs_connector.helia', metrics: 'observations.metrics' }

interface ListenKey { key: string, address: string }

function addressesIn (value: unknown, key = ''): ListenKey[] {
  if (typeof value === 'string') return value.startsWith('/') ? [{ key, address: value }] : []
  if (Array.isArray(value)) return value.flatMap(one => addressesIn(one, key))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, one]) => addressesIn(one, key === '' ? sections[name] ?? name : `${key}.${snakeCase(name)}`))
}

const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
