import type { ComponentChildren } from 'preact'
import { Icon } from '../icon.tsx'
import type { IconName } from '../icon.tsx'
import './state.css'

/** What is shown where there is nothing: why, and what to do. */
export const EmptyState = (
  {
    title, icon = 'archive', children, action
  }: { title: string, icon?: IconName, children?: ComponentChildren, action?: ComponentChildren }
) =>
  <div class="state">
    <span class="state__icon"><Icon name={icon} size={28}/></span>
    <p class="state__title">{title}</p>
    {children != null && <div class="state__text">{children}</div>}
    {action != null && <div class="state__action">{action}</div>}
  </div>
