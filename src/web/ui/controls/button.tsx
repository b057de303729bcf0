import type { ComponentChildren } from 'preact'
import { Link } from '../../app/router.tsx'
import { shownName } from '../../data/format.ts'
import { Icon } from '../icon.tsx'
import type { IconName } from '../icon.tsx'
import './button.css'

export interface ButtonProps {
  kind?: 'primary' | 'plain' | 'quiet' | 'danger'
  size?: 'normal' | 'small'
  icon?: IconName
  /** Only the icon shows; `label` says what it is. */
  iconOnly?: boolean
  label?: string
  /** A page: the button is a link. */
  to?: string
  href?: string
  download?: string
  type?: 'button' | 'submit'
  isBusy?: boolean
  disabled?: boolean
  title?: string
  class?: string
  onClick?: (event: MouseEvent) => void
  children?: ComponentChildren
}

/** A button, or with `to` or `href` a link that looks like one. A busy one can't be pressed. */
export function Button (props: ButtonProps) {
  const {
    kind = 'plain', size = 'normal', icon, iconOnly = false, label: given, to, href, download, type = 'button', isBusy = false,
    disabled = false, title, class: more = '', onClick, children
  } = props
  const label = given == null ? undefined : shownName(given)
  const classes = `button button--${kind} button--${size} ${iconOnly ? 'button--icon-only' : ''} ${isBusy ? 'button--busy' : ''} ${more}`.trim()
  const content = <>
    {icon != null && <Icon name={icon} size={size === 'small' ? 16 : 18}/>}
    {!iconOnly && <span class="button__text">{children ?? label}</span>}
    {isBusy && <span class="button__spinner" aria-hidden="true"/>}
  </>
  // with a text, the label says more to who can't see what stands around it
  const name = iconOnly || children != null ? label : undefined
  const hint = title ?? (iconOnly ? label : undefined)
  if (to != null) return <Link to={to} class={classes} title={hint} aria-label={name}>{content}</Link>
  if (href != null) return <a href={href} class={classes} title={hint} aria-label={name} download={download} onClick={onClick}>{content}</a>
  // a busy button keeps the focus, which a disabled one loses
  return <button type={type} class={classes} disabled={disabled} aria-disabled={isBusy ? 'true' : undefined}
    aria-busy={isBusy ? 'true' : undefined} title={hint} aria-label={name}
    onClick={event => { if (isBusy) event.preventDefault(); else onClick?.(event) }}>{content}</button>
}
