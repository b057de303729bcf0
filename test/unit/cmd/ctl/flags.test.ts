import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HelpWanted, WrongUsage, flagsFirst, parseFlags } from '../../../../cmd/helia-cluster-ctl/usage/flags.ts'
import type { Flag } from '../../../../cmd/helia-cluster-ctl/usage/flags.ts'

const known: Flag[] = [
  { names: ['name', 'n'], type: 'text', about: '' },
  { names: ['quiet', 'q'], type: 'boolean', about: '' },
  { names: ['count'], type: 'integer', about: '' },
  { names: ['wait', 'wt'], type: 'duration', about: '' },
  { names: ['metadata'], type: 'texts', about: '' },
  { names: ['auth'], type: 'text', about: '', variable: 'AUTH' }
]

const usage = (message: string) => (err: unknown): boolean => err instanceof WrongUsage && err.message === message

describe('flags of ctl', () => {
  it('take one or two dashes, "=" or the next argument, and end at the first other one', () => {
    const { flags, rest } = parseFlags(
      ['-name', 'a b', '--q', '--count=-3', '-wt', '1m30s', '--metadata', 'a=1', '--metadata=b=2', 'x', '--name', 'z'], known
    )

    assert.equal(flags.text('name'), 'a b')
    assert.equal(flags.yes('quiet'), true)
    assert.equal(flags.number('count'), -3)
    assert.equal(flags.number('wait'), 90_000)
    assert.deepEqual(flags.texts('metadata'), ['a=1', 'b=2'])
    assert.deepEqual(rest, ['x', '--name', 'z'])
  })

  it('can be turned off, left out, ended, and set by a variable', () => {
    const { flags, rest } = parseFlags(['--quiet=false', '--', '--name'], known, { AUTH: 'me:pw' })

    assert.equal(flags.yes('quiet'), false)
    assert.equal(flags.isSet('name'), false)
    assert.equal(flags.text('name', 'fallback'), 'fallback')
    assert.equal(flags.text('auth'), 'me:pw')
    assert.deepEqual(rest, ['--name'])
  })

  it('that are wrong are told as Go tells them', () => {
    assert.throws(() => parseFlags(['--bogus'], known), usage('flag provided but not defined: -bogus'))
    assert.throws(() => parseFlags(['--name'], known), usage('flag needs an argument: -name'))
    assert.throws(() => parseFlags(['--count', 'x'], known), usage('invalid value "x" for flag -count: parse error'))
    assert.throws(() => parseFlags(['--wt=5'], known), usage('invalid value "5" for flag -wt: parse error'))
    assert.throws(() => parseFlags(['-q=x'], known), usage('invalid boolean value "x" for -q: parse error'))
    assert.throws(() => parseFlags(['---x'], known), usage('bad flag syntax: ---x'))
    assert.throws(() => parseFlags(['-h'], known), HelpWanted)
  })

  it('of a command may stand behind its arguments', () => {
    assert.deepEqual(flagsFirst(['a', '-q', 'b', '--name=x', 'c'], known), ['-q', 'b', '--name=x', 'a', 'c'])
    assert.deepEqual(flagsFirst(['a', '--name', 'x', '--', '-q'], known), ['--name', 'x', '--', 'a', '-q'])
  })

  it('have numbers as Go reads them', () => {
    const read = (text: string): number => parseFlags(['--count', text], known).flags.number('count')

    assert.deepEqual(
      ['-1', '+2', '-0x1', '0X1f', '010', '0o17', '0b101', '1_0', '1_000_000', '0', '-0'].map(read),
      [-1, 2, -1, 31, 8, 15, 5, 10, 1_000_000, 0, 0]
    )
    for (const text of ['', '-', '08', '1__0', '1_', '_1', '0x', '1.5', '1e3', '9007199254740993']) {
      assert.throws(() => read(text), WrongUsage)
    }
  })

  it('may have values that begin with a dash, unless these are flags', () => {
    assert.deepEqual(flagsFirst(['-n', '-1', 'a', '--name', '-x'], known), ['-n', '-1', '--name', '-x', 'a'])
    assert.deepEqual(flagsFirst(['a', '--name', '-q', 'b', '--name', '--', 'c'], known), ['--name', '-q', 'b', '--name', '--', 'a', 'c'])
  })
})
