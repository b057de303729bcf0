import type { IconName } from './icon-paths.ts'

/** What something means. Never by its colour alone. */
export type Tone = 'neutral' | 'info' | 'good' | 'warn' | 'bad'

/** The icon that says what the colour says. */
export const iconOfTone: Readonly<Record<Tone, IconName>> = {
  neutral: 'info', info: 'info', good: 'checkCircle', warn: 'alert', bad: 'warning'
}
