import type { ComponentChildren } from 'preact'
import { Button } from '../controls/button.tsx'
import { Icon } from '../icon.tsx'
import type { Tone } from '../tone.ts'
import { iconOfTone } from '../tone.ts'
import './notice.css'

export interface NoticeProps {
  tone?: Tone
  title?: string
  children?: ComponentChildren
  onDismiss?: () => void
  role?: 'alert' | 'status'
}

/** Something to know about what is around it. */
export function Notice ({ tone = 'neutral', title, children, onDismiss, role }: NoticeProps) {
  return <div class={`notice notice--${tone}`} role={role}>
    <Icon name={iconOfTone[tone]}/>
    <div class="notice__text">
      {title != null && <strong>{title}</strong>}
      {children != null && <div>{children}</div>}
    </div>
    {onDismiss != null && <Button kind="quiet" size="small" iconOnly icon="close" label="Dismiss" onClick={onDismiss}/>}
  </div>
}
