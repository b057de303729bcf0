import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, it } from 'node:test'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
/** What a reader of this folder has before him. */
const folders = ['src', 'cmd', 'test', 'docs', 'scripts', 'packaging']
const skipped = /^test\/(vectors|interop\/oracle|rot)\/.*\.(json|bin)$|\.(webp|png|car|bin|lua)$/

const files = [
  ...readdirSync(root).filter(name => /\.(md|json)$/.test(name) && name !== 'package-lock.json'),
  ...folders.flatMap(
    folder => readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
      .filter(entry => entry.isFile()).map(entry => relative(root, join(entry.parentPath, entry.name)))
  )
].filter(path => !skipped.test(path))
const isSource = (path: string): boolean => /\.(ts|tsx)$/.test(path)
const isDocument = (path: string): boolean => path.endsWith('.md')
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8')

/** What GitHub calls a heading in links: a second one of the same words gets a number. */
function anchorsOf (path: string): Set<string> {
  const headings = textOf(path).replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/^#{1,6} (.*)$/gm)
  const names = [...headings].map(([, text = '']) => text.trim().toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-'))
  return new Set(names.map((name, at) => {
    const before = names.slice(0, at).filter(other => other === name).length
    return before === 0 ? name : `${name}-${before}`
  }))
}

/** Where a text stands in which something was found. */
function found (path: string, pattern: RegExp, isBroken: (match: RegExpExecArray) => boolean): string[] {
  return textOf(path).split('\n').flatMap(
    (line, at) => [...line.matchAll(pattern)].filter(isBroken).map(match => `${path}:${at + 1} ${match[0]}`)
  )
}

describe('references', () => {
  it('name no section of a text that is not here: only of RFCs', () => {
    const section = /(\S*\s+\S+\s+)?§/g
    const broken = files.filter(path => isSource(path) || isDocument(path)).filter(path => path !== 'test/unit/doc-references.test.ts')
      .filter(path => textOf(path).includes('§')).flatMap(path => found(path, section, ([text]) => !/RFC \d+,? §$/.test(text)))

    assert.deepEqual(broken, [])
  })

  it('name source files that are there', () => {
    const names = new Set(files.map(path => basename(path)))
    const inPath = (name: string): boolean => files.some(path => path === name || path.endsWith(`/${name}`))
    const sourceName = /`((?:[\w.-]+\/)*[\w-]+(?:\.test)?\.(?:ts|tsx))`/g
    const broken = files.filter(path => isDocument(path) && path !== 'CHANGELOG.md' || isSource(path) && !path.startsWith('test/')).flatMap(
      path => found(path, sourceName, ([, name = '']) => name.includes('/') ? !inPath(name.replace(/^\.\.\//, '')) : !names.has(name))
    )

    assert.deepEqual(broken, [])
  })

  it('of comments name files and declarations that are there', () => {
    const sources = files.filter(path => isSource(path) && path !== 'test/unit/doc-references.test.ts')
    const ofProject = sources.filter(path => /^(?:src|cmd)\//.test(path))
    const isComment = /^\s*(?:\/\*\*|\*|\/\/)/
    const inComments = (path: string, pattern: RegExp, isThere: (name: string) => boolean): string[] =>
      textOf(path).split('\n').flatMap((line, at) => {
        const comment = isComment.test(line) ? line : / \/\/ .*/.exec(line)?.[0] ?? ''
        return [...comment.matchAll(pattern)].filter(([, name = '']) => !isThere(name)).map(([text]) => `${path}:${at + 1} ${text}`)
      })
    const names = new Set(files.map(path => basename(path)))
    const words = new Set(ofProject.flatMap(
      path => textOf(path).split('\n').filter(line => !isComment.test(line)).join('\n').match(/\w+/g) ?? []
    ))
    const fileName = /(?<![\w./`'*-])((?:[\w-]+\/)*[\w-]+\.(?:ts|tsx|md))\b/g
    const noFile = sources.flatMap(path => inComments(path, fileName, name =>
      name.includes('/') ? files.some(one => one === name || one.endsWith(`/${name}`)) : names.has(name)))
    const noName = ofProject.flatMap(path => inComments(path, /\b[Ss]ee `(\w+)`/g, name => words.has(name)))

    assert.deepEqual(noFile, [])
    assert.deepEqual(noName, [])
  })

  it('of the map of the documentation are to all documents', () => {
    const map = textOf('docs/README.md')
    const missing = files.filter(path => /^docs\/.+\.md$/.test(path) && path !== 'docs/README.md')
      .filter(path => !map.includes(`(${path.slice('docs/'.length)})`))

    assert.deepEqual(missing, [])
  })

  it('of documents to each other lead somewhere', () => {
    const link = /\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)/g
    const broken = files.filter(isDocument).flatMap(path => found(path, link, ([, target = '']) => {
      const goal = normalize(join(dirname(path), target))
      return !files.includes(goal) && !files.some(one => one.startsWith(`${goal.replace(/\/$/, '')}/`)) && !/\.(webp|png)$/.test(goal)
    }))

    assert.deepEqual(broken, [])
  })

  it('of documents to sections lead to a heading', () => {
    const link = /\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g
    const documents = files.filter(isDocument)
    const broken = documents.flatMap(path => found(path, link, ([, target = '', section = '']) => {
      const goal = target === '' ? path : normalize(join(dirname(path), target))
      return documents.includes(goal) && !anchorsOf(goal).has(section)
    }))

    assert.deepEqual(broken, [])
  })
})
