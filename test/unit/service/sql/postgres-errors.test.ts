import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterError } from '../../../../src/base/errors.ts'
import { isConflict, isGone, postgresError } from '../../../../src/service/sql/postgres/errors.ts'

const thrown = (code: string | undefined, message = 'x'): Error => Object.assign(new Error(message), code == null ? {} : { code })
const codeOf = (err: Error): string | undefined => {
  const made = postgresError(err)
  return made instanceof ClusterError ? made.code : undefined
}

describe('errors of PostgreSQL', () => {
  it('are NOT_READY, and the connection of no use, when they come from the network', () => {
    for (const err of [
      thrown('ECONNREFUSED'), thrown('ECONNRESET'), thrown('EPIPE'), thrown('ENOTFOUND'),
      thrown(undefined, 'Connection terminated unexpectedly'), thrown('57P01'), thrown('08006')
    ]) {
      assert.deepEqual([codeOf(err), isGone(err)], ['NOT_READY', true], `${String((err as { code?: string }).code)} ${err.message}`)
    }
  })

  it('have codes for what callers can do something about', () => {
    const codes = {
      23505: 'CONFLICT', 23503: 'CONFLICT', 22021: 'INVALID_ARGUMENT', '22P02': 'INVALID_ARGUMENT', '28P01': 'INVALID_CONFIG',
      '3D000': 'INVALID_CONFIG', 53100: 'STORAGE_FULL', 53300: 'NOT_READY', 57014: 'TIMEOUT', 42601: 'INTERNAL'
    }

    for (const [state, code] of Object.entries(codes)) assert.equal(codeOf(thrown(state)), code, state)
  })

  it('say when the same may go well', () => {
    assert.deepEqual(
      ['40001', '40P01', '0A000', '23505', 'EPIPE'].map(code => isConflict(postgresError(thrown(code)))), [true, true, true, false, false]
    )
  })

  it('are left as they are when they are a program\'s', () => {
    const fault = new TypeError('x is not a function')

    assert.equal(postgresError(fault), fault)
  })
})
