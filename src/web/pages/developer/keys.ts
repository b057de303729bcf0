import type { ApiKey, NewKey, Permission } from '../../../client/service/types.ts'

/** Whether a key works, and why not. */
export type KeyState = 'active' | 'expired' | 'used-up' | 'revoked'

/** A key that was revoked says so, whatever else has ended it since. */
export function keyState ({ revoked_at: revokedAt, expires_at: expiresAt, max_uses: maxUses, uses }: ApiKey, now: number): KeyState {
  if (revokedAt != null) return 'revoked'
  if (expiresAt != null && Date.parse(expiresAt) <= now) return 'expired'
  return maxUses != null && uses >= maxUses ? 'used-up' : 'active'
}

/** What each permission is called, in the order of the form. */
export const permissions: ReadonlyArray<{ value: Permission, label: string, hint: string }> = [
  { value: 'pins:read', label: 'See pins', hint: 'Lists of the Pinning Service API' },
  { value: 'pins:write', label: 'Add and remove pins', hint: 'ipfs pin remote add and rm' },
  { value: 'files:read', label: 'See and download files', hint: 'Lists, details and content' },
  { value: 'files:write', label: 'Upload and change files', hint: 'Uploads, groups, links, deletion' },
  { value: 'account:read', label: 'See account and tasks', hint: 'Usage, quota, progress of tasks' },
  { value: 'gateway:read', label: 'Read through the gateway', hint: 'Content that asks for a key' }
]

/** What a permission is called. */
export const permissionLabel = (permission: Permission): string =>
  permissions.find(({ value }) => value === permission)?.label ?? permission

/** Sets of permissions for what keys are usually made for. */
export type PresetId = 'all' | 'pinning' | 'upload' | 'reading' | 'own'
/** The form's choices. */
export const presets: ReadonlyArray<{ value: PresetId, label: string, hint: string, permissions: readonly Permission[] }> = [
  { value: 'all', label: 'Everything', hint: 'Only such a key can make other keys.', permissions: permissions.map(({ value }) => value) },
  { value: 'pinning', label: 'Pinning', hint: 'For ipfs pin remote.', permissions: ['pins:read', 'pins:write'] },
  { value: 'upload', label: 'Uploads', hint: 'For a backup or a build that publishes.', permissions: ['files:read', 'files:write'] },
  {
    value: 'reading', label: 'Reading', hint: 'Sees everything, changes nothing.',
    permissions: ['pins:read', 'files:read', 'account:read', 'gateway:read']
  },
  { value: 'own', label: 'Choose one by one', hint: 'Any set of permissions.', permissions: [] }
]

/** Days as texts, or a date that the user types. */
export type Expiry = 'never' | '7' | '30' | '90' | '365' | 'date'
/** The form's choices. */
export const expiries: ReadonlyArray<{ value: Expiry, label: string }> = [
  { value: 'never', label: 'Never' },
  { value: '7', label: 'In 7 days' },
  { value: '30', label: 'In 30 days' },
  { value: '90', label: 'In 90 days' },
  { value: '365', label: 'In a year' },
  { value: 'date', label: 'On a day of my choice' }
]

const dayMs = 86_400_000

/** The form of a new key, as it is typed. */
export interface KeyDraft {
  name: string
  preset: PresetId
  chosen: readonly Permission[]
  expiry: Expiry
  /** YYYY-MM-DD, in the reader's zone. */
  day: string
  maxUses: string
}

/** The form at first. */
export const emptyDraft: KeyDraft = { name: '', preset: 'all', chosen: ['pins:read'], expiry: 'never', day: '', maxUses: '' }

/** What is wrong with the form, by field. */
export interface DraftFaults { name?: string, permissions?: string, day?: string, maxUses?: string }

/** What keeps a draft from becoming a key, for people. */
export function draftFaults ({ name, preset, chosen, expiry, day, maxUses }: KeyDraft, now: number): DraftFaults {
  const uses = Number(maxUses)
  return {
    ...(name.trim() === '' ? { name: 'Give it a name, so that you know it again.' } : {}),
    ...(preset === 'own' && chosen.length === 0 ? { permissions: 'Choose at least one permission.' } : {}),
    ...(expiry === 'date' && !(endOfDay(day) > now) ? { day: 'Choose a day that is not over.' } : {}),
    ...(
      maxUses.trim() !== '' && !(Number.isSafeInteger(uses) && uses >= 1 && uses <= 1e9)
        ? { maxUses: 'A whole number from 1 on, or nothing for any number.' }
        : {}
    )
  }
}

/** The request of a form without faults. */
export function newKey ({ name, preset, chosen, expiry, day, maxUses }: KeyDraft, now: number): NewKey {
  const at = expiry === 'never' ? null : expiry === 'date' ? endOfDay(day) : now + Number(expiry) * dayMs
  return {
    name: name.trim(),
    permissions: [...(preset === 'own' ? chosen : presets.find(({ value }) => value === preset)?.permissions ?? [])],
    ...(at == null ? {} : { expires_at: new Date(at).toISOString() }),
    ...(maxUses.trim() === '' ? {} : { max_uses: Number(maxUses) })
  }
}

/** The last moment of a day in the reader's zone; NaN for what is no day. */
const endOfDay = (day: string): number => new Date(`${day}T23:59:59`).getTime()
