import type { ClusterEvent } from '../../../client/event-stream.ts'
import { pinErrorText } from '../../data/errors.ts'
import type { IconName } from '../../ui/icon-paths.ts'
import { statusWord } from '../../ui/display/status-words.ts'
import type { Tone } from '../../ui/tone.ts'

/** An event in words. `what`: the sentence's beginning; `name`: of whom or what, as others gave it; `detail`: more, for people. */
export interface EventWords {
  what: string, tone: Tone, icon: IconName, name: string, cid: string | null, to: string | null, detail: string
}

const text = (value: unknown): string => typeof value === 'string' ? value : ''

/** Kinds of tasks, as people call them. */
const taskNames: Readonly<Record<string, string>> = {
  'account-export': 'Export of the account', 'pins-import': 'Import of pins', 'files-remove': 'Deletion of files',
  'upload-finish': 'Upload', 'account-delete': 'Deletion of an account'
}

const plainWords = { tone: 'neutral' as Tone, icon: 'activity' as IconName, name: '', cid: null, to: null, detail: '' }

/** An event in words. A type that this page doesn't know is shown as it is. */
export function eventWords (event: ClusterEvent): EventWords {
  const [about = ''] = event.type.split('.')
  const words = wordsOf[about]?.(event) ?? {}
  return { what: event.type, ...plainWords, ...words }
}

type Words = (event: ClusterEvent) => Partial<EventWords>

const wordsOf: Readonly<Record<string, Words>> = {
  file: ({ type, data }) => {
    const cid = text(data.cid)
    const word = statusWord(text(data.state))
    const own = { name: text(data.name), cid, to: type === 'file.deleted' ? null : `/files/${cid}`, detail: pinErrorText(text(data.error)) }
    if (type === 'file.created') return { ...own, what: 'File added', icon: 'file' }
    if (type === 'file.deleted') return { ...own, what: 'File deleted', icon: 'trash' }
    if (type === 'file.changed') return { ...own, what: 'File changed', icon: 'edit' }
    return { ...own, what: `File: ${lower(word.label)}`, tone: word.tone, icon: word.icon }
  },

  pin: ({ type, data }) => {
    const isOfUser = typeof data.requestid === 'string'
    const cid = text(data.cid)
    const word = statusWord(text(data.status))
    const own = { name: text(data.name), cid, detail: pinErrorText(text(data.error)), to: isOfUser ? null : `/cluster/pinset/${cid}` }
    switch (type) {
      case 'pin.created': return { ...own, what: 'Pin added', icon: 'pin' }
      case 'pin.changed': return { ...own, what: 'Pin changed', icon: 'edit' }
      case 'pin.deleted': return { ...own, what: 'Pin removed', icon: 'unpin' }
      case 'pin.put': return { ...own, what: 'In the pinset', icon: 'pin' }
      case 'pin.removed': return { ...own, what: 'Out of the pinset', icon: 'unpin', to: null }
      case 'pin.status.missed': return {
        what: 'Changes of pins were missed', tone: 'warn', icon: 'warning', name: peerName(data), to: '/cluster/pinset'
      }
      default: return {
        ...own, what: isOfUser ? `Pin: ${lower(word.label)}` : `${peerName(data)}: ${lower(word.label)}`, tone: word.tone, icon: word.icon
      }
    }
  },

  task: ({ type, data }) => {
    const word = statusWord(text(data.state))
    const name = taskNames[text(data.kind)] ?? text(data.kind)
    if (type === 'task.progress') return { what: 'Task goes on', icon: 'activity', tone: 'info', name, detail: progressText(data.progress) }
    if (type === 'task.created') return { what: 'Task begun', icon: 'tasks', name }
    return { what: `Task: ${lower(word.label)}`, icon: word.icon, tone: word.tone, name, detail: text(data.error) }
  },

  peer: ({ type, data }) => {
    const name = peerName(data)
    if (type === 'peer.sync') {
      return text(data.state) === 'out_of_sync'
        ? { what: 'Out of sync', tone: 'bad', icon: 'warning', name, to: '/cluster' }
        : { what: 'In sync again', tone: 'good', icon: 'checkCircle', name, to: '/cluster' }
    }
    return type === 'peer.up'
      ? { what: 'Peer is up', tone: 'good', icon: 'server', name, to: '/cluster' }
      : { what: 'Peer is gone', tone: 'bad', icon: 'unplugged', name, to: '/cluster' }
  },

  alert: ({ data }) => ({
    what: 'Metric expired', tone: 'warn', icon: 'bell', name: text(data.metric), detail: `of ${peerName(data)}`
  }),

  warning: ({ data }) => ({
    what: data.level === 'error' ? 'Error in the log' : 'Warning in the log', tone: data.level === 'error' ? 'bad' : 'warn',
    icon: 'warning', name: text(data.component), detail: text(data.message),
    to: '/cluster/warnings'
  })
}

const peerName = (data: ClusterEvent['data']): string => text(data.peername) === '' ? text(data.peer) : text(data.peername)
const lower = (label: string): string => `${label.charAt(0).toLowerCase()}${label.slice(1)}`

/** `{"files":3}` → "files 3". */
function progressText (progress: unknown): string {
  if (typeof progress !== 'object' || progress == null) return progress == null ? '' : String(progress)
  return Object.entries(progress).filter(
    ([, value]) => typeof value === 'number' || typeof value === 'string'
  ).map(([name, value]) => `${name} ${value}`).join(', ')
}

/** Whether somebody who types this looks for it. */
export function isFound (event: ClusterEvent, search: string): boolean {
  if (search === '') return true
  const { what, name, cid, detail } = eventWords(event)
  return [what, name, cid ?? '', detail, event.type].join(' ').toLowerCase().includes(search.toLowerCase())
}
