import { parse } from 'yaml'

/**
 * What the header of a list says. Throws what the parser does. A file of its own, because the parser is loaded for lists that have a header
 * only.
 */
export const parseHeader = (text: string): unknown => parse(text, { logLevel: 'error', maxAliasCount: 10 }) ?? {}
