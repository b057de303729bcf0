import type { LinkLimits, NewLink, UploadLink } from '../../../client/service/types.ts'

/** Whether a link can be used, and why not. */
export type LinkState = 'open' | 'used-up' | 'expired' | 'revoked'

/** The state of a link at a time in Unix milliseconds. */
export function linkState (
  { revoked_at: revokedAt, expires_at: expiresAt, uses, max_uses: maxUses }: Pick<UploadLink,
  'revoked_at' | 'expires_at' | 'uses' | 'max_uses'>, now: number
): LinkState {
  if (revokedAt != null) return 'revoked'
  if (uses >= maxUses) return 'used-up'
  return Date.parse(expiresAt) <= now ? 'expired' : 'open'
}

/** Sets of content types that links are usually for. */
export type KindId = 'any' | 'images' | 'documents' | 'media' | 'own'
/** The form's choices. */
export const kinds: ReadonlyArray<{ value: KindId, label: string, types: readonly string[] }> = [
  { value: 'any', label: 'Any file', types: [] },
  { value: 'images', label: 'Pictures', types: ['image/*'] },
  { value: 'media', label: 'Pictures, video and sound', types: ['image/*', 'video/*', 'audio/*'] },
  { value: 'documents', label: 'PDF documents', types: ['application/pdf'] },
  { value: 'own', label: 'Types of my choice', types: [] }
]

const hour = 3600
/** The form's choices, in seconds. */
export const lifetimes: ReadonlyArray<{ value: string, label: string }> = [
  { value: String(hour), label: 'An hour' },
  { value: String(24 * hour), label: 'A day' },
  { value: String(7 * 24 * hour), label: 'A week' },
  { value: String(30 * 24 * hour), label: '30 days' },
  { value: String(365 * 24 * hour), label: 'A year' }
]

/** The form of a new link, as it is typed. */
export interface LinkDraft {
  name: string
  uses: string
  kind: KindId
  types: string
  /** MiB. */
  most: string
  seconds: string
  group: string
}
/** The form at first: one upload within a day. */
export const emptyLink: LinkDraft = { name: '', uses: '1', kind: 'any', types: '', most: '', seconds: String(24 * hour), group: '' }

/** What is wrong with the form, by field. */
export interface LinkFaults { uses?: string, types?: string, most?: string }

const mediaType = /^[a-z0-9.+-]+\/([a-z0-9.+-]+|\*)$|^\*\/\*$/
const mebibyte = 2 ** 20

/** What is wrong with a form; nothing: it can be sent. */
export function linkFaults ({ uses, kind, types, most }: LinkDraft): LinkFaults {
  const count = Number(uses)
  const size = Number(most)
  const odd = typesIn(types).find(type => !mediaType.test(type))
  return {
    ...(Number.isSafeInteger(count) && count >= 1 && count <= 1_000_000 ? {} : { uses: 'A whole number from 1 to 1,000,000.' }),
    ...(
      kind !== 'own'
        ? {}
        : typesIn(types).length === 0
        ? { types: 'Name at least one, such as image/png.' }
        : odd == null
        ? {}
        : { types: `“${odd}” is no media type, as image/png or image/* are.` }
    ),
    ...(
      most.trim() === '' || (size > 0 && size * mebibyte <= Number.MAX_SAFE_INTEGER) ? {} : { most: 'A number of MiB above 0, or nothing.' }
    )
  }
}

/** The request of a form without faults. */
export function newLink ({ name, uses, kind, types, most, seconds, group }: LinkDraft): NewLink {
  return {
    name: name.trim(),
    max_uses: Number(uses),
    expires_in: Number(seconds),
    content_types: [...(kind === 'own' ? typesIn(types) : kinds.find(({ value }) => value === kind)?.types ?? [])],
    ...(most.trim() === '' ? {} : { max_bytes: Math.floor(Number(most) * mebibyte) }),
    ...(group === '' ? {} : { group })
  }
}

const typesIn = (text: string): string[] => [...new Set(text.toLowerCase().split(/[\s,;]+/).filter(type => type !== ''))]

/** "Pictures", "PDF documents", "image/png or text/plain". */
export function typesText (types: readonly string[]): string {
  const known = kinds.find(kind => kind.value !== 'own' && kind.types.join() === types.join())
  return known?.label ?? types.join(' or ')
}

/** The secret that the page's address has behind its `#`; null when there is none. */
export const secretIn = (hash: string): string | null => /^#?(ul_[0-9A-Za-z]{8,128})$/.exec(hash.trim())?.[1] ?? null

/** Why a file can't be sent with a link; null when it can. Its type is what the sender's machine makes of its name. */
export function refusalOf (
  { size, type }: { size: number, type: string }, { max_bytes: most, content_types: types }: Pick<LinkLimits, 'max_bytes' | 'content_types'>
): 'too-large' | 'wrong-type' | null {
  if (most != null && size > most) return 'too-large'
  const [kind = ''] = type.split('/')
  return types.length === 0 || types.some(one => one === type || one === '*/*' || one === `${kind}/*`) ? null : 'wrong-type'
}
