import { CID } from 'multiformats/cid'
import { ClusterError } from '../../../base/errors.ts'
import { wholeBytes } from '../../../base/whole-bytes.ts'
import { badRequest } from '../../../http/error-dialect.ts'
import { boundaryOf, parts } from '../../../http/request/multipart.ts'
import type { RequestBody } from '../../../http/request/body.ts'
import type { Query } from '../../../http/request/query.ts'
import { cidText } from '../../../model/cid.ts'
import { goJson } from '../../../model/go-json.ts'
import { dagPbCodec, sha256Hash } from '../../../model/multicodec.ts'
import { contentOf, flag, integer, pathArgument } from './arguments.ts'
import { codecCode } from '../../common/dag/codecs.ts'
import type { Command, CommandDeps } from './command.ts'
import { lines, one } from './command.ts'

/** More isn't passed on by bitswap. */
const maxBlockBytes = 2 * 1024 * 1024
/** With `allow-big-block`. */
export const maxBigBlockBytes = 32 * 1024 * 1024

/** How large a block may be that these options ask for. */
export const blockLimit = (query: Query): number => flag(query, 'allow-big-block') ? maxBigBlockBytes : maxBlockBytes

/** `block/get`, `block/stat` and `block/put`. */
export function blockCommands (deps: CommandDeps): Record<string, Command> {
  return {
    'block/get': call => {
      const { get } = call
      const path = pathArgument(call.query, 'cid')
      return {
        kind: 'bytes',
        contentType: 'application/vnd.ipld.raw',
        source: (async function * () { yield await get(await contentOf(path, deps, call)) })()
      }
    },
    'block/stat': call => {
      const path = pathArgument(call.query, 'cid')
      return one(async () => {
        const cid = await contentOf(path, deps, call)
        return goJson({ Key: cidText(cid), Size: (await call.get(cid)).length })
      })
    },
    'block/put': ({ query, body, signal }) => {
      const format = blockFormat(query.get('format'), query.get('cid-codec'))
      const hashName = query.get('mhtype') || 'sha2-256'
      const limit = blockLimit(query)
      const length = integer(query, 'mhlen', { whenMissing: -1, atLeast: -1 })
      return lines((async function * () {
        for await (const bytes of uploadedParts(body, limit)) {
          const digest = await deps.hash(hashName, bytes)
          if (length !== -1 && length !== digest.size) {
            throw badRequest(`the digests of ${hashName} have ${digest.size} bytes, not ${length}`)
          }
          if (format.version === 0 && digest.code !== sha256Hash) throw badRequest('invalid cid v0: only sha2-256 is allowed')
          const cid = CID.create(format.version, format.codec, digest)
          await deps.ipfs.putBlocks(just({ cid, bytes }), { signal })
          yield `${goJson({ Key: cidText(cid), Size: bytes.length })}\n`
        }
      })())
    }
  }
}

/** Kubo's old `format` names, or a codec of the table; `raw` when nothing is said. */
function blockFormat (format: string, codec: string): { version: 0 | 1, codec: number } {
  // Kubo's command line sends its default, raw, too
  if (format !== '' && codec !== '' && codec !== 'raw') {
    throw badRequest('unable to use "format" (deprecated) and a custom "cid-codec" at the same time')
  }
  if (format === 'v0') return { version: 0, codec: dagPbCodec }
  const name = format === 'protobuf' ? 'dag-pb' : format === 'cbor' ? 'dag-cbor' : format || codec || 'raw'
  return { version: 1, codec: codecCode(name) }
}

/** The files of an upload, each whole. 400 when it isn't an upload or has none. */
export async function * uploadedParts (body: RequestBody, limitBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  let count = 0
  for await (const part of parts(body.chunks(), boundaryOf(body.contentType), { onTruncated: 'throw' })) {
    count++
    yield await wholeBytes(part.content, { maxBytes: limitBytes, tooLong: () => largeBlock(limitBytes) })
  }
  if (count === 0) throw badRequest('file argument is required')
}

/** Throws INVALID_ARGUMENT, in Kubo's words, for a block of more than `limitBytes`. */
export function refuseLargeBlock (sizeBytes: number, limitBytes: number): void {
  if (sizeBytes > limitBytes) throw largeBlock(limitBytes)
}

function largeBlock (limitBytes: number): ClusterError {
  return new ClusterError('INVALID_ARGUMENT', { limitBytes }, {
    message: `produced block is over ${limitBytes / 1024 / 1024}MiB: big blocks can't be exchanged with other peers. consider using UnixFS for automatic chunking of bigger files, or pass --allow-big-block to override`
  })
}

/** A stream of one batch with one value. */
export async function * just<T> (value: T): AsyncGenerator<T[]> { yield [value] }
