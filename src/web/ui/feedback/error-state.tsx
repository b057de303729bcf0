import { errorText, isAway } from '../../data/errors.ts'
import { Button } from '../controls/button.tsx'
import { Icon } from '../icon.tsx'
import './state.css'

/** Something couldn't be shown: what, why, and a way on. */
export function ErrorState (
  { error, title, onRetry, compact = false }: { error: unknown, title?: string, onRetry?: () => void, compact?: boolean }
) {
  const away = isAway(error)
  return <div class={compact ? 'state state--compact state--bad' : 'state state--bad'} role="alert">
    <span class="state__icon"><Icon name={away ? 'unplugged' : 'warning'} size={compact ? 18 : 28}/></span>
    <p class="state__title">{title ?? (away ? 'The peer is away' : 'This could not be loaded')}</p>
    <p class="state__text">{errorText(error)}</p>
    {onRetry != null && <div class="state__action">
      <Button size={compact ? 'small' : 'normal'} icon="refresh" onClick={onRetry}>Try again</Button>
    </div>}
  </div>
}
