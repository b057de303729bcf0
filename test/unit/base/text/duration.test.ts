import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatDuration, parseDuration } from '../../../../src/base/text/duration.ts'
import { isClusterError } from '../../../../src/base/errors.ts'

const hourMs = 3_600_000

describe('parseDuration', () => {
  const good: Array<[string, number]> = [
    ['0', 0], ['-0', 0], ['+0', 0], ['0s', 0],
    ['15s', 15_000], ['1h30m', 1.5 * hourMs], ['2m0s', 120_000], ['24h0m0s', 24 * hourMs], ['1000h', 1000 * hourMs],
    ['500ms', 500], ['1.5s', 1500], ['.5s', 500], ['1.s', 1000], ['-1.5s', -1500], ['+5s', 5000],
    ['3ns', 0.000003], ['7us', 0.007], ['7µs', 0.007], ['7μs', 0.007], ['1.000001ms', 1.000001], ['0.1ns', 0],
    ['1s1s', 2000], ['2562047h47m16.854775807s', 9_223_372_036_854.775]
  ]
  for (const [text, ms] of good) it(`reads ${text}`, () => assert.ok(Math.abs(parseDuration(text) - ms) <= Math.abs(ms) * 1e-12))

  const bad: Array<[string, string]> = [
    ['', 'time: invalid duration ""'],
    ['-', 'time: invalid duration "-"'],
    ['s', 'time: invalid duration "s"'],
    ['.s', 'time: invalid duration ".s"'],
    ['--1s', 'time: invalid duration "--1s"'],
    ['1', 'time: missing unit in duration "1"'],
    ['1h5', 'time: missing unit in duration "1h5"'],
    ['1d', 'time: unknown unit "d" in duration "1d"'],
    ['1 s', 'time: unknown unit " s" in duration "1 s"'],
    ['1S', 'time: unknown unit "S" in duration "1S"'],
    ['1constructor', 'time: unknown unit "constructor" in duration "1constructor"'],
    ['3000000h', 'time: invalid duration "3000000h"']
  ]
  for (const [text, message] of bad) {
    it(
      `refuses "${text}"`,
      () => assert.throws(() => parseDuration(text), err => isClusterError(err, 'INVALID_ARGUMENT') && err.message === message)
    )
  }
})

describe('formatDuration', () => {
  const cases: Array<[number, string]> = [
    [0, '0s'], [1000, '1s'], [1500, '1.5s'], [60_000, '1m0s'], [90_500, '1m30.5s'], [hourMs, '1h0m0s'], [24 * hourMs, '24h0m0s'],
    [1000 * hourMs, '1000h0m0s'],
    [-1500, '-1.5s'], [500, '500ms'], [1.5, '1.5ms'], [0.007, '7µs'], [0.0015, '1.5µs'], [0.000003, '3ns'], [999.9999999, '1s'],
    [1000.0001, '1.0000001s'], [hourMs + 0.0001, '1h0m0.0000001s'], [119_999.9999999, '2m0s'], [1e-7, '0s']
  ]
  for (const [ms, text] of cases) it(`prints ${ms} ms as ${text}`, () => assert.equal(formatDuration(ms), text))

  it('prints what parseDuration reads back', () => {
    for (const text of ['1h30m0s', '2m0s', '1.000001ms', '12m0s', '30s', '24h0m0s', '999.999999ms']) {
      assert.equal(formatDuration(parseDuration(text)), text)
    }
  })
})
