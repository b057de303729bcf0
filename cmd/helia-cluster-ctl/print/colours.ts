import type { CtlTerminal } from '../terminal.ts'

/** Terminals' own colours, so that every theme keeps its contrast. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

const codes: Record<Style, number> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 }

/** The text in a style, or as it is where there are no colours. */
export type Paint = (style: Style, text: string) => string

/** Colours when a person looks (https://no-color.org is respected, and dumb terminals). */
export function painter ({ variables }: Pick<CtlTerminal, 'variables'>, isTerminal: boolean): Paint {
  const isPlain = !isTerminal || (variables.NO_COLOR ?? '') !== '' || variables.TERM === 'dumb'
  return (style, text) => isPlain || text === '' ? text : `\u001B[${codes[style]}m${text}\u001B[0m`
}

/**
 * Control characters as a terminal can show them: names and errors come from other people, and an escape sequence could rewrite the screen.
 * Line ends stay.
 */
// eslint-disable-next-line no-control-regex
export const harmless = (text: string): string => text.replaceAll(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, shownControl)

/** The same for one cell of a table, which has one line. */
// eslint-disable-next-line no-control-regex
export const harmlessCell = (text: string): string => text.replaceAll(/[\x00-\x1f\x7f-\x9f]/g, shownControl)

const shownControl = (character: string): string => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
