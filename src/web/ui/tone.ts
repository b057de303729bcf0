/** What something means. Never by its colour alone. */
export type Tone = 'neutral' | 'info' | 'good' | 'warn' | 'bad'
