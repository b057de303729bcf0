import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bestPattern, segmentsOf } from '../../../../src/base/text/path-segments.ts'

const found = (patterns: readonly string[], path: string): string | undefined =>
  bestPattern(patterns.map(pattern => ({ path: pattern })), segmentsOf(path))?.path

describe('the patterns of paths', () => {
  const patterns = ['/', '/files', '/files/:cid', '/docs/*']
  const cases: Array<[path: string, pattern: string | undefined]> = [
    ['/', '/'], ['/files', '/files'], ['/files/', '/files'], ['/files/bafy', '/files/:cid'], ['/files/bafy/more', undefined],
    ['/docs', undefined], ['/docs/a/b', '/docs/*'], ['/none', undefined]
  ]
  for (const [path, pattern] of cases) {
    it(`has ${pattern ?? 'nothing'} for ${path}`, () => { assert.equal(found(patterns, path), pattern) })
  }

  it('takes a literal name for itself before it takes it for a parameter', () => {
    assert.equal(found(['/a/:b', '/a/new'], '/a/new'), '/a/new')
  })
})
