import { ClusterError } from '../../base/errors.ts'

/** Reads the variable IPFS_NS_MAP as Kubo does: `domain:/ipfs/…,other:/ipns/…`. Throws INVALID_CONFIG for anything else. */
export function parseFixedNames (text: string): Map<string, string> {
  const entries = text === '' ? [] : text.split(',').map(entry => {
    const [, name, value] = /^([^:]+):(\/ip[fn]s\/[^/].*)$/s.exec(entry) ?? []
    if (name == null || value == null) {
      throw new ClusterError('INVALID_CONFIG', { entry }, {
        message: `IPFS_NS_MAP has the entry ${JSON.stringify(entry)}: must be like "example.org:/ipfs/bafy…"`
      })
    }
    return [name, value] as const
  })
  return new Map(entries)
}
