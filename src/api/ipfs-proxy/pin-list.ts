import type { Pin } from '../../model/pin.ts'
import type { Reply } from '../../http/reply.ts'
import { jsonType } from '../../http/reply.ts'

/** Up to so many pins are sorted by their CIDs, as Go prints maps; more are printed as they come. */
const sortedUpTo = 20_000

/** The whole pinset: lines, or one object with all CIDs whose type is always "recursive". Memory doesn't grow with the pinset. */
export async function listPins (batches: AsyncIterable<Pin[]>, isStream: boolean): Promise<Reply> {
  if (isStream) return { kind: 'lines', style: 'progress', source: rows(batches) }
  const source = batches[Symbol.asyncIterator]()
  const first: string[] = []
  let isWhole = false
  while (!isWhole && first.length <= sortedUpTo) {
    const { done, value } = await source.next()
    isWhole = done === true
    if (done !== true) for (const { cid } of value) first.push(cid.toString())
  }
  const head = isWhole ? first.toSorted() : first
  if (isWhole) return { kind: 'text', status: 200, contentType: jsonType, body: `{"Keys":{${head.map(keyOf).join(',')}}}` }
  return { kind: 'lines', style: 'progress', source: largeObject(head, source) }
}

const keyOf = (cid: string): string => `"${cid}":{"Type":"recursive"}`

/** One pin as `pin/ls?stream=true` prints it, without a newline. */
export const rowOf = ({ cid, maxDepth }: Pin): string => `{"Cid":"${cid.toString()}","Type":"${maxDepth === 0 ? 'direct' : 'recursive'}"}`

async function * rows (batches: AsyncIterable<Pin[]>): AsyncGenerator<string> {
  for await (const batch of batches) {
    yield batch.map(pin => `${rowOf(pin)}\n`).join('')
  }
}

async function * largeObject (head: readonly string[], source: AsyncIterator<Pin[]>): AsyncGenerator<string> {
  yield `{"Keys":{${head.map(keyOf).join(',')}`
  try {
    for (let next = await source.next(); next.done !== true; next = await source.next()) yield next.value.map(({ cid }) => `,${keyOf(cid.toString())}`).join('')
    yield '}}'
  } finally {
    await source.return?.()
  }
}
