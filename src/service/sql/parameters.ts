import { invalidArgument } from '../../base/errors.ts'

/** PostgreSQL's texts can't hold U+0000, so no database is given one. Throws INVALID_ARGUMENT. */
export function checkedParameters (parameters: readonly unknown[]): readonly unknown[] {
  for (const value of parameters) {
    if (typeof value === 'string' && value.includes('\0')) {
      throw invalidArgument('texts can\'t hold the character U+0000')
    }
  }
  return parameters
}
