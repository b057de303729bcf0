import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { shownName } from '../../data/format.ts'
import { useId } from '../../data/hooks.ts'
import { Button } from '../controls/button.tsx'
import './dialog.css'

export interface DialogProps {
  title: string
  onClose: () => void
  size?: 'small' | 'normal' | 'large'
  footer?: ComponentChildren
  /** Can't be closed now. */
  isBusy?: boolean
  /** Only its buttons close it: what it shows is shown only once. */
  isKept?: boolean
  children?: ComponentChildren
}

/** Open for as long as it is drawn. Keeps the keyboard inside, gives it back where it was. A click beside it closes it, unless that would take away what was typed. */
export function Dialog ({ title, onClose, size = 'normal', footer, isBusy = false, isKept = false, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const heading = useId()
  const latest = useRef({ onClose, isBusy })
  latest.current = { onClose, isBusy }
  const isTyped = useRef(false)

  useEffect(() => {
    const before = document.activeElement
    const element = dialog.current
    element?.showModal()
    firstOf(element)?.focus()
    return () => {
      element?.close()
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])

  const close = (): void => { if (!latest.current.isBusy) latest.current.onClose() }
  return <dialog ref={dialog} class={`dialog dialog--${size}`} aria-labelledby={heading}
    onKeyDown={event => { if (event.key === 'Escape' && (isKept || isBusy)) event.preventDefault() }}
    onCancel={event => {
      event.preventDefault()
      if (!isKept) close()
    }}
    onInput={() => { isTyped.current = true }}
    onMouseDown={event => { if (event.target === event.currentTarget && !isKept && !isTyped.current) close() }}>
    <div class="dialog__box">
      <header class="dialog__head">
        <h2 id={heading}>{shownName(title)}</h2>
        <Button kind="quiet" size="small" iconOnly icon="close" label="Close" disabled={isBusy} onClick={close}/>
      </header>
      <div class="dialog__body">{children}</div>
      {footer != null && <footer class="dialog__foot">{footer}</footer>}
    </div>
  </dialog>
}

/** Where somebody wants to begin: the first empty field, the first field, what follows the heading. */
function firstOf (dialog: HTMLDialogElement | null): HTMLElement | null {
  const fields = [...dialog?.querySelectorAll<HTMLInputElement>('.dialog__body :is(input, select, textarea):not(:disabled)') ?? []]
  return fields.find(field => field.value === '') ?? fields[0] ?? dialog?.querySelector<HTMLElement>('.dialog__foot button') ?? dialog
}
