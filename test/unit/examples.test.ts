import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'

const root = join(import.meta.dirname, '../..')
/** The package's entries, and the files that they are made of. */
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, { types?: string }> }
const entries = Object.entries(exports).flatMap(([name, { types }]) => types == null
  ? []
  : [{ specifier: `helia-cluster${name.slice(1)}`, file: types.replace(/^\.\/dist\/types\//, '').replace(/\.d\.ts$/, '.ts') }])
/** The code of a file's examples, without the comment around it. */
const examplesOf = (text: string): string[] =>
  [...text.matchAll(/^ \* @example\n \* ```ts\n((?: \*.*\n)+?) \* ```$/gm)].map(([, code = '']) => code.replace(/^ \* ?/gm, ''))

describe('the examples of the package\'s entries', () => {
  it('are there, import what the entry exports and call what that has', async () => {
    const wrong: string[] = []
    for (const { specifier, file } of entries) {
      const examples = examplesOf(readFileSync(join(root, file), 'utf8'))
      if (examples.length === 0) wrong.push(`${specifier} has no example`)
      const exported = await import(join(root, file)) as Record<string, unknown>
      for (const code of examples) {
        const [, names = ''] = new RegExp(`^import \\{ ([^}]+) \\} from '${specifier}'$`, 'm').exec(code) ?? []
        if (names === '') wrong.push(`${specifier}: the example imports nothing of it`)
        for (const name of names.split(', ')) if (!(name in exported)) wrong.push(`${specifier} exports no ${name}`)
        for (const [, method = ''] of code.matchAll(/\bclient\.(\w+)\(/g)) {
          const { ClusterClient } = await import('../../src/client/client.ts')
          if (!(method in ClusterClient.prototype)) wrong.push(`${specifier}: the client has no ${method}`)
        }
      }
    }

    assert.ok(entries.length >= 4)
    assert.deepEqual(wrong, [])
  })
})
