import { isGroup } from './fields.ts'
import type { Field, Fields } from './fields.ts'
import { sections } from './sections.ts'
import { variableName } from './section.ts'

/** The reference of all keys as Markdown: one table a section, out of the same tables that read the file. */
export function configReference (): string {
  const parts = sections.map(
    ({ path, doc, fields }) =>
      [`## ${path}`, '', doc, '', '| key | default | what | variable |', '|---|---|---|---|', ...rowsOf(fields, path), ''].join('\n')
  )
  return [...head, ...parts].join('\n')
}

const head = [
  '# service.json',
  '',
  'Made by `node scripts/write-config-files.ts` out of the tables in `src/config/sections/`; a test compares. `service.json.example` is what `init` writes.',
  '',
  '- Every key can be set by a variable too, which wins over the file. Lists are comma-separated there, maps `key:value,key2:value2`. What is set while `init` runs is',
  '  written into the file.',
  '- Durations are texts such as "1h30m" (units: ns, us, ms, s, m, h). Multiaddresses may be one text or a list.',
  '- A file of a Go peer loads as it is: keys that mean nothing here give one warning. `consensus.raft` is refused. `datastore.pebble`, `badger`, `badger3` and `leveldb`',
  '  load as `datastore.level`; `ipfs_connector.ipfshttp` means an external Kubo instead of the embedded node.',
  '- A component whose section is absent is not started (APIs, informers) or has its defaults (everything else).',
  '- `{"source": "https://…"}` alone makes the peer fetch its service.json from there at every start; a source can not point to another source.',
  '- All faults of a file are told at once, each with section, key, value and what is allowed; the peer then ends with exit code 1. Secrets are never printed.',
  ''
]

function rowsOf (fields: Fields, path: string, keys: readonly string[] = []): string[] {
  return Object.entries(fields).flatMap(
    ([key, entry]) => isGroup(entry) ? rowsOf(entry.group, path, [...keys, key]) : [rowOf(entry, path, [...keys, key])]
  )
}

function rowOf (field: Field, path: string, keys: readonly string[]): string {
  const test = field.testDefault === undefined ? '' : ` (test profile: ${code(field.testDefault)})`
  const cells = [
    `\`${keys.join('.')}\``, `${code(field.default)}${test}`,
    `${field.doc} Must be ${field.kind.allowed}.${field.inert === '' ? '' : ` No effect here: ${field.inert}`}`,
    `\`${variableName(path, keys)}\``
  ]
  return `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

const code = (value: unknown): string => `\`${JSON.stringify(value)}\``
