import type { ComponentChildren, VNode } from 'preact'
import { useId } from '../../data/hooks.ts'
import { Icon } from '../icon.tsx'
import './field.css'

/** What an input needs to belong to its label, hint and error. */
export interface FieldIds { id: string, describedBy: string | undefined, invalid: boolean }

export interface FieldProps {
  label: ComponentChildren
  hint?: ComponentChildren
  error?: string | undefined
  optional?: boolean
  hideLabel?: boolean
  children: (ids: FieldIds) => VNode
}

/** A label, a control of one's own, and what there is to say about it. */
export function Field ({ label, hint, error, optional = false, hideLabel = false, children }: FieldProps) {
  const id = useId()
  const described = [hint == null ? '' : `${id}-hint`, error == null ? '' : `${id}-error`].filter(text => text !== '').join(' ')
  return <div class={error == null ? 'field' : 'field field--invalid'}>
    <label class={hideLabel ? 'visually-hidden' : 'field__label'} for={id}>{label}{optional && <span class="field__optional"> (optional)</span>}</label>
    {children({ id, describedBy: described === '' ? undefined : described, invalid: error != null })}
    {hint != null && <p class="field__hint" id={`${id}-hint`}>{hint}</p>}
    {error != null && <p class="field__error" id={`${id}-error`}><Icon name="warning" size={16}/> {error}</p>}
  </div>
}
