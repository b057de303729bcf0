import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { Button } from './button.tsx'
import { Field } from './field.tsx'
import { Icon } from '../icon.tsx'

export interface TextFieldProps {
  label: string
  value: string
  onChange: (value: string) => void
  type?: 'text' | 'email' | 'password' | 'number' | 'search' | 'url' | 'datetime-local' | 'date'
  hint?: ComponentChildren
  error?: string | undefined
  placeholder?: string
  autocomplete?: string
  required?: boolean
  optional?: boolean
  hideLabel?: boolean
  disabled?: boolean
  inputMode?: 'text' | 'numeric' | 'decimal' | 'email' | 'url' | 'search'
  min?: number | string
  max?: number | string
  step?: number | string
  maxLength?: number
  minLength?: number
  pattern?: string
  /** For CIDs, keys and code. */
  mono?: boolean
  autofocus?: boolean
  suffix?: ComponentChildren
  onEnter?: () => void
  spellcheck?: boolean
  name?: string
}

/** One line of text with its label, hint and error. */
export function TextField (props: TextFieldProps) {
  const {
    label, value, onChange, type = 'text', hint, error, optional, hideLabel, mono = false, autofocus = false, suffix, onEnter, spellcheck,
    autocomplete = 'off', ...input
  } = props
  const element = useRef<HTMLInputElement>(null)
  // Preact's types want to know the kind of an input beforehand
  const attributes: object = { ...input, type }
  useEffect(() => { if (autofocus) element.current?.focus() }, [])
  return <Field label={label} hint={hint} error={error} optional={optional === true} hideLabel={hideLabel === true}>
    {({ id, describedBy, invalid }) => <div class={suffix == null ? 'input-group' : 'input-group input-group--suffix'}>
      <input {...attributes} ref={element} id={id} class={mono ? 'input input--mono' : 'input'} value={value} autocomplete={autocomplete}
        spellcheck={spellcheck ?? (type === 'text' && !mono)} autocapitalize={mono || type !== 'text' ? 'none' : undefined}
        aria-describedby={describedBy} aria-invalid={invalid ? 'true' : undefined}
        onInput={event => onChange(event.currentTarget.value)}
        onKeyDown={event => { if (event.key === 'Enter' && onEnter != null) onEnter() }}/>
      {suffix != null && <span class="input-group__suffix">{suffix}</span>}
    </div>}
  </Field>
}

export interface TextAreaProps extends Omit<TextFieldProps, 'type' | 'suffix' | 'onEnter' | 'autofocus'
  | 'min' | 'max' | 'step' | 'pattern' | 'inputMode'> { rows?: number }

/** Several lines of text. */
export function TextArea (
  {
    label, value, onChange, hint, error, optional, hideLabel, mono = false, rows = 4, spellcheck, autocomplete = 'off', ...input
  }: TextAreaProps
) {
  return <Field label={label} hint={hint} error={error} optional={optional === true} hideLabel={hideLabel === true}>
    {({ id, describedBy, invalid }) => <textarea {...input} id={id} rows={rows} class={mono ? 'input input--mono' : 'input'} value={value}
      autocomplete={autocomplete} spellcheck={spellcheck ?? !mono}
      aria-describedby={describedBy} aria-invalid={invalid ? 'true' : undefined} onInput={event => onChange(event.currentTarget.value)}/>}
  </Field>
}

export interface PasswordFieldProps {
  label: string
  value: string
  onChange: (value: string) => void
  autocomplete: 'current-password' | 'new-password'
  hint?: ComponentChildren
  error?: string | undefined
  required?: boolean
  minLength?: number
}

/** A password, which can be made visible. */
export function PasswordField (props: PasswordFieldProps) {
  const [isShown, setShown] = useState(false)
  return <TextField {...props} type={isShown ? 'text' : 'password'} spellcheck={false}
    suffix={<Button kind="quiet" size="small" iconOnly icon={isShown ? 'eyeOff' : 'eye'}
      label={isShown ? 'Hide the password' : 'Show the password'} onClick={() => setShown(!isShown)}/>}/>
}

/** A code that was mailed. Takes what is pasted, spaces and all. */
export function CodeField (
  {
    label, value, onChange, length = 6, error, hint
  }: {
    label: string, value: string, onChange: (value: string) => void, length?: number, error?: string | undefined, hint?: ComponentChildren
  }
) {
  return <Field label={label} error={error} hint={hint}>
    {({ id, describedBy, invalid }) => <input id={id} class="input input--code" type="text" inputMode="numeric"
      autocomplete="one-time-code" required pattern={`[0-9]{${length}}`} title={`${length} digits`} value={value}
      aria-describedby={describedBy} aria-invalid={invalid ? 'true' : undefined}
      onInput={event => {
        const digits = event.currentTarget.value.replace(/\D/g, '').slice(0, length)
        event.currentTarget.value = digits
        onChange(digits)
      }}/>}
  </Field>
}

/** A text to search for; told at every change. */
export function SearchField (
  { label, value, onChange, placeholder }: { label: string, value: string, onChange: (value: string) => void, placeholder?: string }
) {
  return <Field label={label} hideLabel>
    {({ id }) => <div class="input-group input-group--icon">
      <Icon name="search"/>
      <input id={id} class="input" type="search" value={value} placeholder={placeholder ?? label} autocomplete="off"
        spellcheck={false} onInput={event => onChange(event.currentTarget.value)}/>
    </div>}
  </Field>
}
