import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { shownName } from '../../data/format.ts'
import { useId } from '../../data/hooks.ts'
import { Field } from './field.tsx'
import { Icon } from '../icon.tsx'

export interface SelectProps<V extends string> {
  label: string
  value: V
  options: ReadonlyArray<{ value: V, label: string, disabled?: boolean }>
  onChange: (value: V) => void
  hint?: ComponentChildren
  hideLabel?: boolean
  disabled?: boolean
}

/** One of several, in a list that opens. */
export function Select<V extends string> ({ label, value, options, onChange, hint, hideLabel = false, disabled = false }: SelectProps<V>) {
  return <Field label={label} hint={hint} hideLabel={hideLabel}>
    {({ id, describedBy }) => <div class="select">
      <select id={id} class="input" value={value} disabled={disabled} aria-describedby={describedBy}
        onChange={event => onChange(event.currentTarget.value as V)}>
        {options.map(option => <option key={option.value} value={option.value} disabled={option.disabled === true}>
          {shownName(option.label)}
        </option>)}
      </select>
      <Icon name="chevronDown" size={16}/>
    </div>}
  </Field>
}

export interface CheckboxProps {
  label: ComponentChildren
  checked: boolean
  onChange: (checked: boolean) => void
  hint?: ComponentChildren
  indeterminate?: boolean
  disabled?: boolean
  hideLabel?: boolean
}

/** Yes or no; `indeterminate`: some of what it stands for. */
export function Checkbox ({ label, checked, onChange, hint, indeterminate = false, disabled = false, hideLabel = false }: CheckboxProps) {
  const id = useId()
  const box = useRef<HTMLInputElement>(null)
  useEffect(() => { if (box.current != null) box.current.indeterminate = indeterminate }, [indeterminate])
  return <div class="choice">
    <input ref={box} id={id} type="checkbox" checked={checked} disabled={disabled}
      aria-describedby={hint == null ? undefined : `${id}-hint`}
      onChange={event => onChange(event.currentTarget.checked)}/>
    <label for={id} class={hideLabel ? 'visually-hidden' : undefined}>{label}</label>
    {hint != null && <p class="field__hint" id={`${id}-hint`}>{hint}</p>}
  </div>
}

/** On or off, at once. */
export function Switch ({ label, checked, onChange, hint, disabled = false }: Omit<CheckboxProps, 'indeterminate' | 'hideLabel'>) {
  const id = useId()
  return <div class="choice">
    <input id={id} class="switch" type="checkbox" role="switch" checked={checked} disabled={disabled}
      aria-describedby={hint == null ? undefined : `${id}-hint`}
      onChange={event => onChange(event.currentTarget.checked)}/>
    <label for={id}>{label}</label>
    {hint != null && <p class="field__hint" id={`${id}-hint`}>{hint}</p>}
  </div>
}

export interface RadiosProps<V extends string> {
  legend: string
  value: V
  options: ReadonlyArray<{ value: V, label: string, hint?: string }>
  onChange: (value: V) => void
  inline?: boolean
}

/** One of several that are all to be seen. */
export function Radios<V extends string> ({ legend, value, options, onChange, inline = false }: RadiosProps<V>) {
  const name = useId()
  return <fieldset class={inline ? 'choices choices--inline' : 'choices'}>
    <legend>{legend}</legend>
    {options.map(option => {
      const id = `${name}-${option.value}`
      return <div class="choice" key={option.value}>
        <input id={id} type="radio" name={name} checked={option.value === value}
          aria-describedby={option.hint == null ? undefined : `${id}-hint`} onChange={() => onChange(option.value)}/>
        <label for={id}>{option.label}</label>
        {option.hint != null && <p class="field__hint" id={`${id}-hint`}>{option.hint}</p>}
      </div>
    })}
  </fieldset>
}

/** One of a few, side by side. */
export function Segments<V extends string> (
  {
    label, value, options, onChange
  }: { label: string, value: V, options: ReadonlyArray<{ value: V, label: string }>, onChange: (value: V) => void }
) {
  const name = useId()
  return <fieldset class="segments">
    <legend class="visually-hidden">{label}</legend>
    {options.map(option => <label key={option.value} class="segments__one">
      <input class="visually-hidden" type="radio" name={name} checked={option.value === value} onChange={() => onChange(option.value)}/>
      <span>{option.label}</span>
    </label>)}
  </fieldset>
}
