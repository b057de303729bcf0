import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, it } from 'node:test'
import { messageOf } from '../../src/base/errors.ts'
import { importEntries } from '../../src/importer/unixfs-importer.ts'
import type { AddCase, AddLine } from '../support/add-vectors.ts'
import { dagParams, entriesOf, readAddCases } from '../support/add-vectors.ts'

const show = ({ cid, name, size }: AddLine): string => `${cid} ${name} ${size ?? 0}`

/** Where each of two top-level directories is its own DAG, as in Kubo (docs: differences from Go). */
const asKubo = ['two-dirs-default']

async function importCase (aCase: AddCase): Promise<{ lines: string[], error: string | undefined }> {
  const lines: string[] = []
  const options = { wrap: aCase.query['wrap-with-directory'] === 'true', progress: false }
  try {
    for await (const { name, cid, size } of importEntries(entriesOf(aCase), dagParams(aCase.query), { write: () => {} }, options)) {
      lines.push(show({ name, cid: String(cid), size }))
    }
  } catch (err) {
    return { lines, error: messageOf(err) }
  }
  return { lines, error: undefined }
}

for (const group of ['files', 'trees', 'large']) {
  describe(`POST /add, recorded: ${group}`, () => {
    for (const aCase of readAddCases(group)) {
      it(aCase.name, async () => {
        const expected = (asKubo.includes(aCase.name) ? aCase.kuboEqualOptions?.output ?? [] : aCase.output).map(show)

        const { lines, error } = await importCase(aCase)

        assert.equal(error, aCase.trailerError)
        if (aCase.outputDigest == null) assert.deepEqual(lines, expected)
        else assert.deepEqual({ lines: lines.length, sha256: hash('sha256', lines.join('\n')) }, { lines: aCase.outputDigest.lines, sha256: aCase.outputDigest.sha256 })
      })
    }
  })
}
