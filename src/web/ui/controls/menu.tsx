import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { useId } from '../../data/hooks.ts'
import { Icon } from '../icon.tsx'
import type { IconName } from '../icon.tsx'
import './menu.css'

/** An entry. `bad`: what can't be undone. */
export interface MenuItem { id: string, label: string, icon?: IconName, tone?: 'bad', disabled?: boolean, run: () => void }

export interface MenuProps {
  label: string
  icon?: IconName
  kind?: 'primary' | 'plain' | 'quiet' | 'danger'
  size?: 'normal' | 'small'
  iconOnly?: boolean
  items: ReadonlyArray<MenuItem | 'separator'>
}

/** A button with a list of things to do. */
export function Menu ({ label, icon, kind = 'plain', size = 'normal', iconOnly = false, items }: MenuProps) {
  const [isOpen, setOpen] = useState(false)
  const root = useRef<HTMLDivElement>(null)
  const id = useId()

  useLayoutEffect(() => {
    if (!isOpen) return undefined
    place(root.current)
    itemsOf(root.current)[0]?.focus({ preventScroll: true })
    const follow = (): void => { if (!place(root.current)) setOpen(false) }
    const outside = ({ target }: Event): void => {
      if (!(target instanceof Node) || root.current?.contains(target) !== true) setOpen(false)
    }
    document.addEventListener('pointerdown', outside)
    document.addEventListener('focusin', outside)
    document.addEventListener('scroll', follow, true)
    addEventListener('resize', follow)
    return () => {
      document.removeEventListener('scroll', follow, true)
      removeEventListener('resize', follow)
      document.removeEventListener('pointerdown', outside)
      document.removeEventListener('focusin', outside)
    }
  }, [isOpen])

  const close = (): void => {
    setOpen(false)
    root.current?.querySelector('button')?.focus()
  }
  return <div class="menu" ref={root}>
    <button type="button" class={`button button--${kind} button--${size} ${iconOnly ? 'button--icon-only' : ''}`}
      aria-haspopup="menu" aria-expanded={isOpen} aria-controls={id} aria-label={iconOnly ? label : undefined}
      title={iconOnly ? label : undefined} onClick={() => setOpen(!isOpen)}>
      {icon != null && <Icon name={icon}/>}
      {!iconOnly && <><span class="button__text menu__label">{label}</span><Icon name="chevronDown" size={14}/></>}
    </button>
    {isOpen && <div class="menu__list" popover="manual" role="menu" id={id} aria-label={label}
      onKeyDown={event => moveIn(event, root.current, close)}>
      {items.map((item, at) => item === 'separator'
        ? <div key={`separator-${at}`} class="menu__separator" role="separator"/>
        : <button key={item.id} type="button" role="menuitem" tabIndex={-1}
          class={item.tone === 'bad' ? 'menu__item menu__item--bad' : 'menu__item'} disabled={item.disabled === true} onClick={() => {
          close()
          item.run()
        }}>{item.icon != null && <Icon name={item.icon} size={16}/>}<span>{item.label}</span></button>)}
    </div>}
  </div>
}

const gap = 4
const edge = 8

/** Above everything, and where there is room: lists that scroll would cut it off. False when its button is out of sight. */
function place (root: HTMLElement | null): boolean {
  const list = root?.querySelector<HTMLElement>('.menu__list')
  const at = root?.querySelector('button')?.getBoundingClientRect()
  if (list == null || at == null || at.bottom < 0 || at.top > innerHeight) return false
  if (!list.matches(':popover-open')) list.showPopover()
  const { offsetWidth: width, offsetHeight: height } = list
  const fitsBelow = at.bottom + gap + height <= innerHeight - edge
  const top = fitsBelow ? at.bottom + gap : at.top - gap - height
  list.style.top = `${Math.max(edge, Math.min(top, innerHeight - height - edge))}px`
  list.style.left = `${Math.max(edge, Math.min(at.right - width, innerWidth - width - edge))}px`
  return true
}

const itemsOf = (root: HTMLElement | null): HTMLButtonElement[] => [
  ...root?.querySelectorAll<HTMLButtonElement>('[role="menuitem"]:not(:disabled)') ?? []
]

function moveIn (event: KeyboardEvent, root: HTMLElement | null, close: () => void): void {
  const all = itemsOf(root)
  const at = all.indexOf(document.activeElement as HTMLButtonElement)
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key]
  if (to != null) {
    event.preventDefault()
    all[(to + all.length) % all.length]?.focus()
  } else if (event.key === 'Escape') {
    event.stopPropagation()
    event.preventDefault()
    close()
  }
}
