import { goJsonString } from '../../model/go-json.ts'
import type { Pin } from '../../model/pin.ts'
import type { Reply } from '../../http/answer/reply.ts'
import { jsonType } from '../../http/answer/reply.ts'

/** Up to so many pins are sorted by their CIDs, as Go prints maps; more are printed as they come. */
const sortedUpTo = 20_000

export interface PinListOptions {
  isStream: boolean
  /** As Kubo with `names=true`; Go's proxy has no names. */
  withNames: boolean
}

/** The whole pinset: lines, or one object with all CIDs whose type is always "recursive". Memory doesn't grow with the pinset. */
export async function listPins (batches: AsyncIterable<Pin[]>, { isStream, withNames }: PinListOptions): Promise<Reply> {
  if (isStream) return { kind: 'lines', style: 'progress', source: rows(batches, withNames) }
  const source = batches[Symbol.asyncIterator]()
  const first: string[] = []
  let isWhole = false
  while (!isWhole && first.length <= sortedUpTo) {
    const { done, value } = await source.next()
    isWhole = done === true
    if (done !== true) for (const pin of value) first.push(memberOf(pin, withNames))
  }
  if (isWhole) return { kind: 'text', status: 200, contentType: jsonType, body: `{"Keys":{${first.toSorted().join(',')}}}` }
  return { kind: 'lines', style: 'progress', source: largeObject(first, source, withNames) }
}

/** One pin as a member of `Keys`. All begin with their CIDs, which none is the beginning of another. */
export const memberOf = ({ cid, name }: Pin, withNames: boolean): string =>
  `"${cid.toString()}":{"Type":"recursive"${withNames ? `,"Name":${goJsonString(name)}` : ''}}`

/** One pin as `pin/ls?stream=true` prints it, without a newline. */
export const rowOf = ({ cid, name, maxDepth }: Pin, withNames: boolean): string =>
  `{"Cid":"${cid.toString()}",${withNames && name !== '' ? `"Name":${goJsonString(name)},` : ''}"Type":"${maxDepth === 0 ? 'direct' : 'recursive'}"}`

async function * rows (batches: AsyncIterable<Pin[]>, withNames: boolean): AsyncGenerator<string> {
  for await (const batch of batches) {
    yield batch.map(pin => `${rowOf(pin, withNames)}\n`).join('')
  }
}

async function * largeObject (head: readonly string[], source: AsyncIterator<Pin[]>, withNames: boolean): AsyncGenerator<string> {
  yield `{"Keys":{${head.join(',')}`
  try {
    for (let next = await source.next(); next.done !== true; next = await source.next()) {
      yield next.value.map(pin => `,${memberOf(pin, withNames)}`).join('')
    }
    yield '}}'
  } finally {
    await source.return?.()
  }
}
