import { isGroup } from './fields.ts'
import type { Field, Fields } from './fields.ts'
import { sections } from './sections.ts'
import { variableName } from './section.ts'

/** The reference of all keys as Markdown: one table a section, out of the same tables that read the file. */
export function configReference (): string {
  const parts = sections.map(({ path, doc, fields }) => [`## ${path}`, '', doc, '', '| key | default | what | variable |', '|---|---|---|---|', ...rowsOf(fields, path), ''].join('\n'))
  return ['# service.json', '', 'Every key can be set by a variable too. Durations are texts such as "1h30m".', '', ...parts].join('\n')
}

function rowsOf (fields: Fields, path: string, keys: readonly string[] = []): string[] {
  return Object.entries(fields).flatMap(([key, entry]) => isGroup(entry) ? rowsOf(entry.group, path, [...keys, key]) : [rowOf(entry, path, [...keys, key])])
}

function rowOf (field: Field, path: string, keys: readonly string[]): string {
  const test = field.testDefault === undefined ? '' : ` (test profile: ${code(field.testDefault)})`
  const cells = [`\`${keys.join('.')}\``, `${code(field.default)}${test}`, `${field.doc} Must be ${field.kind.allowed}.`, `\`${variableName(path, keys)}\``]
  return `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

const code = (value: unknown): string => `\`${JSON.stringify(value)}\``
