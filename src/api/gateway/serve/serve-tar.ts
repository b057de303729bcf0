import { isFolderName } from '../../common/folder-name.ts'
import { tarEnd } from '../../common/dag/tar.ts'
import { nameBelow, tarTree } from '../../common/dag/tar-tree.ts'
import { isClusterError } from '../../../base/errors.ts'
import { peekStream } from '../../common/peek-stream.ts'
import { hasAlready } from '../../common/conditional.ts'
import { notModified } from '../answer/answers.ts'
import { disposition } from '../answer/disposition.ts'
import { typeOfFormat } from '../location/formats.ts'
import { Refusal } from '../answer/refusal.ts'
import type { Answer, ServeDeps, Target, GatewayContext } from '../request-context.ts'

const firstBytes = 64 * 1024

/** `format=tar`: the tree below one folder (or file) that has the CID's name, or the stem of `filename`. */
export async function serveTar (context: GatewayContext, { cid }: Target, { reader }: ServeDeps): Promise<Answer> {
  const etag = `W/"${cid.toString()}.x-tar"`
  if (hasAlready(context.headers, [etag])) return notModified(etag)
  const node = await reader.readNode(cid, context.get).catch(err => { throw tarError(err) })
  const root = rootName(context.query.get('filename')) ?? cid.toString()
  const now = { seconds: Math.floor(context.now / 1000), nanoseconds: 0 }
  const body = async function * (): AsyncGenerator<Uint8Array> {
    yield * tarTree(root, node, {
      reader, get: context.get, ahead: context.ahead, prefetch: context.prefetch, joined: context.joined, now, nameOf: nameBelow(root)
    })
    yield tarEnd
  }
  return {
    status: 200,
    headers: [
      ['Etag', etag],
      ['Content-Type', typeOfFormat.tar],
      ['Content-Disposition', disposition(context.query, { name: `${cid.toString()}.tar`, kind: 'attachment' })],
      ['X-Content-Type-Options', 'nosniff']
    ],
    // most trees that can't be archived show it at once: HEAD tells it, too
    body: await peekStream(body(), firstBytes, ({ length }) => length).catch(err => { throw tarError(err) })
  }
}

const tarError = (err: unknown): unknown => isClusterError(err, 'UNSUPPORTED')
  ? new Refusal(400, `a tar archive can be made of UnixFS only: ${err.message}`, [], { cause: err })
  : err

/** What may be the name of a folder: `a.tar` → `a`. */
function rootName (filename: string): string | undefined {
  const stem = filename.replace(/\.tar$/, '')
  return isFolderName(stem) ? stem : undefined
}
