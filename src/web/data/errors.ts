import { isClusterError, messageOf } from '../../base/errors.ts'
import { bytesText } from './format.ts'

/** Of an answer of the peer's; 0 when none came. Undefined for what has nothing to do with one. */
export function statusOf (err: unknown): number | undefined {
  const status = (err as { status?: unknown } | null)?.status
  return typeof status === 'number' ? status : undefined
}

/** Nobody answered. */
export const isAway = (err: unknown): boolean => statusOf(err) === 0

/** Whether a request was cancelled by this page itself: nothing to show. */
export const isAbort = (err: unknown): boolean => err instanceof DOMException && err.name === 'AbortError'

/** Whether the session of the log-in is at its end. */
export const isSessionEnd = (err: unknown): boolean => statusOf(err) === 401

/** A sentence for people. */
export function errorText (err: unknown): string {
  const status = statusOf(err)
  if (status === 0) return 'The peer does not answer. This page tries again by itself.'
  if (status === 401) return 'You are not logged in, or your session has ended.'
  if (status === 429) return `Too many requests at once. ${retryText(err)}`
  if (status === 503 && !isClusterError(err)) return 'The peer is not ready yet.'
  return sentence(withSizes(messageOf(err)))
}

/** What peers say of a pin that failed. "context canceled" is what Go says when nothing came in time. */
export const pinErrorText = (error: string): string => error === 'context canceled' ? 'nothing came for as long as a pin may wait' : error

function retryText (err: unknown): string {
  const seconds = (err as { retryAfterSeconds?: unknown }).retryAfterSeconds
  return typeof seconds === 'number' ? `Try again in ${seconds} s.` : 'Try again in a while.'
}

/** Programs are told bytes. */
const withSizes = (text: string): string =>
  / bytes\b/.test(text) ? text.replace(/\b\d{5,}\b( bytes)?/g, found => bytesText(Number.parseInt(found, 10))) : text

/** Messages of the API begin small and end without a dot. */
function sentence (text: string): string {
  const shown = text.trim() === '' ? 'Something went wrong' : text.trim()
  return `${shown.charAt(0).toUpperCase()}${shown.slice(1)}${/[.!?…]$/.test(shown) ? '' : '.'}`
}
