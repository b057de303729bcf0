import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'

const root = join(import.meta.dirname, '../..')

interface Exported { place: string, name: string, isShape: boolean, comment: string | undefined, lines: readonly string[], at: number }

const declaration = /^export (?:default )?(?:declare |abstract |async )*(function \*|function|class|const|let|interface|type) (\w+)(?! from)/

/** What stands between the signs of the doc comment that ends above this line; undefined where none does. */
function commentAbove (lines: readonly string[], at: number): string | undefined {
  // words to the linter may stand between
  while (lines[at - 1]?.startsWith('//') === true) at--
  if (lines[at - 1]?.endsWith('*/') !== true) return undefined
  let first = at - 1
  while (first > 0 && lines[first]?.startsWith('/**') !== true) first--
  return lines.slice(first, at).map(line => line.replace(/^\/\*\*|^ \*\/?|\*\/$/g, '').trim()).join(' ').trim()
}

/** All that files declare and export; what they pass on from others isn't theirs. */
const exported: readonly Exported[] = ['src', 'cmd'].flatMap(folder =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter(file => /\.tsx?$/.test(file)).flatMap(file => {
    const lines = readFileSync(join(root, folder, file), 'utf8').split('\n')
    return lines.flatMap((line, at) => {
      const [found, kind = '', name = ''] = declaration.exec(line) ?? []
      if (found == null) return []
      const isShape = kind === 'interface' || kind === 'type'
      return [{ place: `${folder}/${file}:${at + 1} ${name}`, name, isShape, comment: commentAbove(lines, at), lines, at }]
    })
  }))

/** Settings and collaborators stand beside what takes them (CONTRIBUTING.md), and that says what they are for; their members have comments. */
const isBesideItsUser = ({ name, isShape, lines, at }: Exported): boolean =>
  isShape && /(?:Init|Deps|Props|Options)$/.test(name) &&
  lines.some((line, other) => other !== at && !line.startsWith('import') && new RegExp(`\\b${name}\\b`).test(line))

const empty = new Set(`
  a an the of for to in on and or is are be as it this that which with from by what who one some
  type interface class const constant function object value
`.trim().split(/\s+/))

/** Without plural and case. */
const wordsOf = (text: string): string[] =>
  text.toLowerCase().split(/[^a-z0-9]+/).filter(word => word !== '').map(word => word.replace(/s$/, ''))

/** Whether a comment has a word that isn't in the name. */
function saysMore ({ name, comment = '' }: Exported): boolean {
  const known = new Set(wordsOf(name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, ' ')))
  return wordsOf(comment).some(word => !empty.has(word) && !known.has(word))
}

describe('doc comments', () => {
  it('stand above everything that a file exports', () => {
    const missing = exported.filter(one => one.comment == null && !isBesideItsUser(one)).map(({ place }) => place)

    assert.ok(exported.length > 3000)
    assert.deepEqual(missing, [])
  })

  it('say more than the name', () => {
    const hollow = exported.filter(one => one.comment != null && !saysMore(one)).map(({ place, comment }) => `${place}: ${comment}`)

    assert.deepEqual(hollow, [])
  })
})
