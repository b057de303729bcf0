import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { messageOf } from '../../src/base/errors.ts'
import { importCar } from '../support/imports.ts'
import { inPieces } from '../support/add-vectors.ts'

interface Recorded {
  name: string
  request: { body: { base64?: string } | null }
  response: { body: { text?: string } | null, trailers?: Array<[string, string]> | null }
}

const folder = process.env['VECTORS_DIR'] ?? import.meta.dirname
const recorded: Recorded[] = JSON.parse(readFileSync(join(folder, 'rest', 'add-car.json'), 'utf8'))

/** The uploads that reach the CAR reader. */
const cases = recorded.filter(({ name }) => !['car-wrap', 'car-dir'].includes(name))

/** The first part's content. */
function carOf ({ request }: Recorded): Buffer {
  const body = Buffer.from(request.body?.base64 ?? '', 'base64')
  const start = body.indexOf('\r\n\r\n') + 4
  return body.subarray(start, body.indexOf('\r\n--XboundaryX', start))
}

/** What Go said: the line's cid, bytes and size, or the error. */
function expectedOf ({ response }: Recorded): unknown {
  const error = response.trailers?.find(([name]) => name === 'X-Stream-Error')?.[1]
  if (error != null) return error
  const answer = JSON.parse(response.body?.text ?? '')
  const { cid, bytes = 0, size = 0 } = Array.isArray(answer) ? answer[0] : answer
  return { cid, bytes, size }
}

describe('POST /add?format=car, recorded', () => {
  for (const one of cases) {
    it(one.name, async () => {
      const expected = expectedOf(one)

      const result = await importCar(inPieces(carOf(one), 7), { write: () => {} }, {}).then(
        ({ roots, bytes, size }) => ({ cid: String(roots), bytes, size }), messageOf
      )

      assert.deepEqual(result, expected)
    })
  }
})
