import { createHash } from 'node:crypto'
import type { Block } from '../../../blockstore/blockstore.ts'
import type { CID } from '../../../model/cid.ts'
import { carHeader, carSectionHead } from '../../../model/car.ts'
import { notModified } from '../answer/answers.ts'
import { peekStream } from '../../common/peek-stream.ts'
import { hasAlready } from '../../common/conditional.ts'
import { scopeBlocks, withoutRepeats } from './car-blocks.ts'
import { carParams, paramsText } from './car-params.ts'
import type { CarParams } from './car-params.ts'
import { disposition } from '../answer/disposition.ts'
import { typeOfFormat } from '../location/formats.ts'
import type { Answer, ServeDeps, Target, GatewayContext } from '../request-context.ts'

/** Read before the answer begins, and the room that it may need. Bytes. */
const firstBytes = 32 * 1024
const firstRoom = 256 * 1024

/** `format=car`: the blocks that prove the path, then those of the scope. A block that can't be fetched breaks the answer off. */
export async function serveCar (context: GatewayContext, target: Target, { reader }: ServeDeps): Promise<Answer> {
  const params = carParams(context.query, context.asked.params)
  const { cid } = target
  const etag = carEtag(target, params)
  if (hasAlready(context.headers, [etag])) return notModified(etag)
  const { get, prefetch, ahead } = context
  const root: Block = { cid, bytes: await get(cid) }
  const last = context.path.names.at(-1)
  const name = last == null ? `${cid.toString()}.car` : `${target.roots[0]?.toString() ?? ''}_${last}.car`
  const stream = async (): Promise<Pick<Answer, 'body' | 'held'>> => {
    await context.room(firstRoom)
    const inScope = scopeBlocks(root, params, { reader, get, prefetch, room: ahead })
    const blocks = withoutRepeats(blocksOfPath(target, get), inScope, { reader, repeats: params.repeats })
    // what can't be fetched at once is told by a status; later on only a broken connection is left
    return { body: await peekStream(sections(cid, blocks), firstBytes, ({ length }) => length), held: firstRoom }
  }
  return {
    status: 200,
    headers: [
      ['Etag', etag],
      ['Content-Type', `${typeOfFormat.car}; version=1; order=${params.order}; dups=${params.repeats ? 'y' : 'n'}`],
      ['Content-Disposition', disposition(context.query, { name, kind: 'attachment' })],
      ['X-Content-Type-Options', 'nosniff'],
      ['Accept-Ranges', 'none']
    ],
    ...await stream()
  }
}

async function * sections (root: CID, blocks: AsyncIterable<Block>): AsyncGenerator<Uint8Array> {
  yield carHeader(root)
  for await (const block of blocks) {
    yield carSectionHead(block)
    yield block.bytes
  }
}

async function * blocksOfPath ({ pathBlocks }: Target, get: GatewayContext['get']): AsyncGenerator<Block> {
  for (const cid of pathBlocks) yield { cid, bytes: await get(cid) }
}

function carEtag ({ cid, immutablePath }: Target, params: CarParams): string {
  const digest = createHash('sha256').update(`${immutablePath}\0${paramsText(params)}`).digest('base64url').slice(0, 16)
  return `W/"${cid.toString()}.car.${digest}"`
}
