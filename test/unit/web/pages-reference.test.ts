import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { Audience } from '../../../src/web/app/page-entry.ts'
import { facesOf } from '../../../src/web/app/page-entry.ts'
import { pages } from '../../../src/web/app/pages.ts'

const audiences: Record<Audience, string> = { everyone: 'everybody', guest: 'who is not logged in', user: 'users', admin: 'admins', operator: 'admins, operators' }

describe('docs/reference/web-pages.md', () => {
  it('has every page, who it is for, and where it is', () => {
    const rows = readFileSync('docs/reference/web-pages.md', 'utf8').split('\n').filter(line => line.startsWith('| `/')).map(line => line.split('|').slice(1, -1).map(cell => cell.trim()))

    assert.deepEqual(rows.toSorted(), pages.map(page => [`\`${page.path}\``, page.title, audiences[page.audience], facesOf(page).join(', ')]).toSorted())
  })

  it('has no path twice', () => {
    const twice = pages.map(({ path }) => path).filter((path, at, all) => all.indexOf(path) !== at)

    assert.deepEqual(twice, [])
  })
})
