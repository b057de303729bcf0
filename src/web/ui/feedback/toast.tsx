import { useEffect, useState } from 'preact/hooks'
import { useStore } from '../../data/store.ts'
import { Button } from '../controls/button.tsx'
import { Icon } from '../icon.tsx'
import { dismiss, toasts } from './toast-store.ts'
import type { Toast } from './toast-store.ts'
import './toast.css'

export { toast } from './toast-store.ts'
import { iconOfTone } from '../tone.ts'
export type { ToastOptions } from './toast-store.ts'

/** The corner where things are said; once on the page. */
export function Toasts () {
  const shown = useStore(toasts)
  return <div class="toasts" role="status" aria-live="polite" aria-relevant="additions">
    {shown.map(one => <ToastBox key={one.id} {...one}/>)}
  </div>
}

function ToastBox (one: Toast) {
  const { id, message, tone, action, stayMs } = one
  const [isHeld, setHeld] = useState(false)
  useEffect(() => {
    if (isHeld) return undefined
    const timer = setTimeout(() => dismiss(id), stayMs)
    return () => clearTimeout(timer)
  }, [isHeld, id, stayMs, message])
  return <div class={`toast toast--${tone}`} onMouseEnter={() => setHeld(true)} onMouseLeave={() => setHeld(false)}
    onFocusIn={() => setHeld(true)} onFocusOut={() => setHeld(false)}>
    <Icon name={iconOfTone[tone]}/>
    <div class="toast__text">{message}</div>
    {action != null && <Button size="small" onClick={() => {
      dismiss(id)
      action.run()
    }}>{action.label}</Button>}
    <Button kind="quiet" size="small" iconOnly icon="close" label="Dismiss" onClick={() => dismiss(id)}/>
  </div>
}
