import { hash } from 'node:crypto'
import type { Random } from '../../base/clock.ts'
import { randomText } from '../sql/ids.ts'

/** `ak_` and 32 letters and digits: 190 bits. */
export const newApiKey = (random: Random): string => `ak_${randomText(random, 32)}`
/** Whether a text has the form of an API key; says nothing about whether there is one. */
export const isApiKey = (text: string): boolean => /^ak_[0-9A-Za-z]{32}$/.test(text)
/** What keys are looked up by, and distinguished by in lists: `ak_` and the first eight characters. */
export const prefixOf = (apiKey: string): string => apiKey.slice(0, 11)

/** The secret of a new session: 43 letters and digits, 256 random bits. */
export const newSession = (random: Random): string => randomText(random, 43)
/** Whether a text has the form of a session's secret. */
export const isSession = (text: string): boolean => /^[0-9A-Za-z]{43}$/.test(text)

/** The code of a new invitation: `inv_` and 24 letters and digits, 142 random bits. */
export const newInvite = (random: Random): string => `inv_${randomText(random, 24)}`

/** A code to be mailed: six digits, all equally likely. */
export function newCode (random: Random): string {
  for (;;) {
    const value = Buffer.from(random.bytes(4)).readUInt32BE()
    // 4,294 times a million: what is above would make some codes likelier
    if (value < 4_294_000_000) return String(value % 1_000_000).padStart(6, '0')
  }
}

/** SHA-256 in hex: enough for secrets of 128 random bits and more, which nobody can guess. Passwords have `Passwords`. */
export const secretHash = (secret: string): string => hash('sha256', secret)
/** Enough of such a hash to tell one from the other; it opens nothing. */
export const nameOfHash = (hashOfSecret: string): string => hashOfSecret.slice(0, 16)
/** Codes can be guessed; what keeps them is that they end soon, with the fifth try. */
export const codeHash = (user: string, purpose: string, code: string): string => hash('sha256', `${user}:${purpose}:${code}`)
