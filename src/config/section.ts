import type { Fields, ValuesOf } from './fields.ts'

/** Something that is wrong with one key of a section: `value` is shown (unless the key is hidden), `allowed` follows "must be". */
export interface Finding { key: string, value: unknown, allowed: string }

/** Certificate and key are given together, or neither. */
export const halfTls = ({ sslCertFile, sslKeyFile }: { sslCertFile: string, sslKeyFile: string }): Finding[] =>
  (sslCertFile === '') === (sslKeyFile === '')
    ? []
    : [{ key: 'ssl_cert_file', value: sslCertFile, allowed: 'set together with ssl_key_file' }]

/** A component's part of service.json, as data. Defaults, reading, checks, variables, the example and the reference all come from it. */
export interface Section<Table extends Fields = Fields> {
  /** Where it is in the file: "cluster", "api.restapi". */
  path: string
  doc: string
  fields: Table
  /** Values that an absent section has instead of the defaults (JSON, by key). */
  whenAbsent?: Record<string, unknown>
  /** Rules over several keys. Runs when each key by itself is fine. */
  check? (values: ValuesOf<Table>): Finding[]
}

/** A section as it is given; only its type is inferred. */
export const section = <const Table extends Fields> (given: Section<Table>): Section<Table> => given

/** How all variables begin that override keys. */
export const variablesBegin = 'CLUSTER_'

/**
 * The variable that overrides a key: CLUSTER_, the component unless it is `cluster`, and the key without underscores; keys in an object of
 * their own carry its name before. `cluster.connection_manager.high_water` → CLUSTER_CONNECTIONMANAGER_HIGHWATER.
 */
export function variableName (sectionPath: string, keys: readonly string[]): string {
  const component = sectionPath === 'cluster' ? [] : sectionPath.split('.').slice(1)
  return variablesBegin + [...component, ...keys].map(part => part.replaceAll('_', '').toUpperCase()).join('_')
}
