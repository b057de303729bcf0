import type { ComponentChildren } from 'preact'
import { useId } from '../../data/hooks.ts'
import './tabs.css'

export interface TabsProps {
  label: string
  tabs: ReadonlyArray<{ id: string, label: string, count?: number }>
  active: string
  onChange: (id: string) => void
  children?: ComponentChildren
}

/** One panel of several. Arrow keys go from tab to tab. */
export function Tabs ({ label, tabs, active, onChange, children }: TabsProps) {
  const own = useId()
  const move = (event: KeyboardEvent): void => {
    const at = tabs.findIndex(({ id }) => id === active)
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key]
    if (to == null) return
    event.preventDefault()
    const next = tabs[(to + tabs.length) % tabs.length]
    if (next == null) return
    onChange(next.id)
    document.getElementById(`${own}-${next.id}`)?.focus()
  }
  return <div class="tabs">
    <div class="tabs__list" role="tablist" aria-label={label} onKeyDown={move}>
      {tabs.map(tab => <button key={tab.id} type="button" role="tab" class="tabs__tab" id={`${own}-${tab.id}`}
        aria-selected={tab.id === active} aria-controls={`${own}-panel`} tabIndex={tab.id === active ? 0 : -1}
        onClick={() => onChange(tab.id)}>
        {tab.label}{tab.count != null && <span class="tabs__count">{tab.count}</span>}
      </button>)}
    </div>
    <div class="tabs__panel" role="tabpanel" id={`${own}-panel`} aria-labelledby={`${own}-${active}`} tabIndex={0}>{children}</div>
  </div>
}
