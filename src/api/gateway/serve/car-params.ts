import type { Query } from '../../../http/request/query.ts'
import { invalid } from '../answer/refusal.ts'

/** The `dag-scope` of the trustless gateway's specification; `entity`: what is needed to show a file or a folder. */
export type DagScope = 'block' | 'entity' | 'all'

/** Which blocks a CAR has. `bytes`: of a file, both ends inclusive; negative ones count from its end; `to` null: to its end. */
export interface CarParams {
  scope: DagScope
  bytes: { from: number, to: number | null } | undefined
  order: 'dfs' | 'unk'
  repeats: boolean
}

/**
 * Reads `dag-scope`, `entity-bytes`, `car-version`, `car-order`, `car-dups`, with the parameters of `Accept` behind the last three.
 * Throws 400.
 */
export function carParams (query: Query, accepted: ReadonlyMap<string, string>): CarParams {
  const bytes = entityBytes(query.get('entity-bytes'))
  const either = (name: string): string => query.get(`car-${name}`) || accepted.get(name) || ''
  const version = either('version')
  if (version !== '' && version !== '1') throw invalid(`unsupported CAR version ${JSON.stringify(version)}: only version 1 is made here`)
  return {
    scope: oneOf('dag-scope', query.get('dag-scope') || (bytes == null ? 'all' : 'entity'), ['block', 'entity', 'all']),
    bytes,
    order: oneOf('order', either('order') || 'dfs', ['dfs', 'unk']),
    repeats: oneOf('dups', either('dups') || 'n', ['y', 'n']) === 'y'
  }
}

function oneOf<Word extends string> (name: string, given: string, words: readonly Word[]): Word {
  const found = words.find(word => word === given)
  if (found == null) throw invalid(`unsupported CAR ${name} ${JSON.stringify(given.slice(0, 100))}: ${words.join(', ')} are known`)
  return found
}

function entityBytes (text: string): CarParams['bytes'] {
  if (text === '') return undefined
  const [, from, to] = /^(-?\d{1,15}):(-?\d{1,15}|\*)$/.exec(text) ?? []
  if (from == null || to == null) {
    throw invalid(`entity-bytes is ${JSON.stringify(text.slice(0, 100))}: must be FROM:TO, such as 0:1023, 512:* or -5:*`)
  }
  const bytes = { from: Number(from), to: to === '*' ? null : Number(to) }
  if (bytes.to != null && bytes.from >= 0 && bytes.to >= 0 && bytes.to < bytes.from) throw invalid('entity-bytes ends before it begins')
  return bytes
}

/** What the weak Etag has to tell apart beside the path. */
export const paramsText = ({ scope, bytes, order, repeats }: CarParams): string =>
  [scope, bytes == null ? '' : `${bytes.from}:${bytes.to ?? '*'}`, order, repeats ? 'y' : 'n'].join('\0')
