import type { CtlTerminal } from './terminal.ts'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

const codes: Record<Style, number> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 }

export type Paint = (style: Style, text: string) => string

/** Colours when a person looks (https://no-color.org is respected, and dumb terminals). */
export function painter ({ variables }: Pick<CtlTerminal, 'variables'>, isTerminal: boolean): Paint {
  const isPlain = !isTerminal || (variables.NO_COLOR ?? '') !== '' || variables.TERM === 'dumb'
  return (style, text) => isPlain || text === '' ? text : `\u001B[${codes[style]}m${text}\u001B[0m`
}
