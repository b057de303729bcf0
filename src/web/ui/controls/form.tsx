import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { Notice } from '../feedback/notice.tsx'
import './form.css'

export interface FormProps { onSubmit: () => void | Promise<void>, error?: ComponentChildren, label?: string, children?: ComponentChildren }

/** Fields that are sent together. What went wrong stands above them and is read out. */
export function Form ({ onSubmit, error, label, children }: FormProps) {
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => { if (error != null) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus() }, [error])
  return <form ref={form} class="form" aria-label={label} onSubmit={event => {
    event.preventDefault()
    void onSubmit()
  }}>
    {error != null && error !== '' && <Notice tone="bad" role="alert">{error}</Notice>}
    {children}
  </form>
}
