import assert from 'node:assert/strict'
import { globSync, readFileSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, it } from 'node:test'

const pictures = globSync('docs/pictures/*').map(path => basename(path))
const texts = ['README.md', ...globSync('docs/**/*.md')].map(path => readFileSync(path, 'utf8'))
const shown = new Set(texts.flatMap(text => [...text.matchAll(/pictures\/([\w.-]+)/g)].map(([, name = '']) => name)))

describe('the pictures of the documentation', () => {
  it('are all there, and all shown', () => {
    assert.deepEqual([...shown].toSorted(), pictures.toSorted())
  })

  it('are small: nobody waits for them, and the repository stays small', () => {
    const sizes = pictures.map(name => ({ name, kib: Math.round(statSync(`docs/pictures/${name}`).size / 1024) }))

    assert.deepEqual(sizes.filter(({ kib }) => kib > 100), [])
    assert.ok(sizes.reduce((sum, { kib }) => sum + kib, 0) < 800)
  })

  it('say what they show to those who don\'t see them', () => {
    const images = texts.flatMap(text => [...text.matchAll(/<img [^>]*pictures\/[^>]*>/g)].map(([image]) => image))

    assert.ok(images.length > 0)
    assert.deepEqual(images.filter(image => !/alt="[^"]{15,}"/.test(image)), [])
  })
})
