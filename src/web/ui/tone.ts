import type { IconName } from './icon-paths.ts'

/** What something means. Never by its colour alone. */
export type Tone = 'neutral' | 'info' | 'good' | 'warn' | 'bad'

export const iconOfTone: Readonly<Record<Tone, IconName>> = {
  neutral: 'info', info: 'info', good: 'checkCircle', warn: 'alert', bad: 'warning'
}
