import type { Pin, PinOptions } from '../../../../client/types.ts'
import { neverText } from '../../../../client/types.ts'

/** What a pin has to be asked for with to stay as it is. Its holders come first when there is a choice. */
export function optionsOf (pin: Pin): PinOptions {
  return {
    name: pin.name,
    mode: pin.mode,
    replicationFactorMin: pin.replication_factor_min,
    replicationFactorMax: pin.replication_factor_max,
    ...(pin.allocations == null || pin.allocations.length === 0 ? {} : { userAllocations: pin.allocations }),
    ...(pin.expire_at === neverText ? {} : { expireAt: pin.expire_at }),
    ...(pin.metadata == null ? {} : { metadata: pin.metadata }),
    ...(pin.origins == null ? {} : { origins: pin.origins })
  }
}

/** Whether all peers shall have the pin. */
export const isEverywhere = ({ replication_factor_max: most }: Pick<Pin, 'replication_factor_max'>): boolean => most === -1

/** "every peer", "2 peers", "1 to 3 peers" */
export function copiesText (
  { replication_factor_min: min, replication_factor_max: most }: Pick<Pin, 'replication_factor_min' | 'replication_factor_max'>
): string {
  if (most === -1) return 'every peer'
  if (min === most) return most === 1 ? '1 peer' : `${most} peers`
  return `${min} to ${most} peers`
}

/** What is wrong with two numbers of copies; '' when nothing is. */
export function factorsFault (min: string, most: string): string {
  const [one, other] = [Number(min), Number(most)]
  if (!/^\d+$/.test(min) || !/^\d+$/.test(most) || one < 1) return 'Both are whole numbers, 1 or more.'
  if (one > other) return 'At least can not be more than at most.'
  return ''
}

/** The CID or path in what was typed or pasted: links of gateways count, too. '' when there is none. */
export function contentOf (text: string): string {
  const given = text.trim()
  const path = /(?:^|\/)(ip[fn]s|ipld)(?::\/)?\/+([^?#]+)/.exec(given)
  if (path?.[2] != null) return `/${path[1]}/${path[2].replace(/\/+$/, '')}`
  const host = /^https?:\/\/([a-z0-9]{40,})\.(ip[fn]s)\.[^/]+\/?([^?#]*)/.exec(given)
  if (host?.[1] != null) return `/${host[2]}/${[host[1], host[3] ?? ''].filter(part => part !== '').join('/')}`
  return /^[A-Za-z0-9]{40,}$/.test(given) ? given : ''
}
