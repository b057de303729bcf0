import type { ComponentChildren } from 'preact'
import { createStore } from '../../data/store.ts'
import type { Tone } from '../tone.ts'

export interface ToastOptions {
  tone?: Tone
  /** Such as Undo. */
  action?: { label: string, run: () => void }
  /** Default: 5 s, with an action 10 s. */
  stayMs?: number
  /** Takes the place of the one with the same. */
  id?: string
}

/** A message in the corner of the page. */
export interface Toast extends Required<Pick<ToastOptions, 'tone' | 'stayMs' | 'id'>> {
  message: ComponentChildren
  action: ToastOptions['action']
}

const shownAtOnce = 4
let count = 0
/** Those that are to be seen, the oldest first. */
export const toasts = createStore<readonly Toast[]>([])

/** Says something in a corner for a while; the returned function takes it away. */
export function toast (
  message: ComponentChildren,
  { tone = 'neutral', action, stayMs = action == null ? 5000 : 10_000, id = `toast-${++count}` }: ToastOptions = {}
): () => void {
  toasts.set(old => [...old.filter(one => one.id !== id), { message, tone, action, stayMs, id }].slice(-shownAtOnce))
  return () => dismiss(id)
}

/** Takes one away before its time. */
export const dismiss = (id: string): void => toasts.set(old => old.filter(one => one.id !== id))
