import { iconPaths } from './icon-paths.ts'
import type { IconName } from './icon-paths.ts'

export type { IconName }

/** `label`: for readers; without it they don't meet the icon. */
export function Icon ({ name, size = 18, label }: { name: IconName, size?: number, label?: string | undefined }) {
  return <svg class="icon" width={size} height={size} viewBox="0 0 24 24" focusable="false"
    role={label == null ? undefined : 'img'} aria-label={label} aria-hidden={label == null ? 'true' : undefined}>
    <path d={iconPaths[name]}/>
  </svg>
}
