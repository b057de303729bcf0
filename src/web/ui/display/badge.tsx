import type { ComponentChildren } from 'preact'
import { Icon } from '../icon.tsx'
import type { IconName } from '../icon.tsx'
import { statusWord } from './status-words.ts'
import type { Tone } from '../tone.ts'
import './badge.css'

/** A state in a word, with a tone and an icon: never by colour alone. */
export const Badge = (
  { tone = 'neutral', icon, title, children }: { tone?: Tone, icon?: IconName, title?: string | undefined, children?: ComponentChildren }
) =>
  <span class={`badge badge--${tone}`} title={title}>{icon != null && <Icon name={icon} size={14}/>}{children}</span>

/** A state of the APIs in words. */
export function Status ({ value }: { value: string }) {
  const { label, tone, icon, about } = statusWord(value)
  return <Badge tone={tone} icon={icon} title={about}>{label}</Badge>
}
