import { CID } from 'multiformats/cid'
import { bytesOf } from '../../../blockstore/blockstore.ts'
import { quotedText } from '../../../base/text/byte-text.ts'
import { answerText, ClusterError, invalidArgument, isClusterError } from '../../../base/errors.ts'
import { badRequest } from '../../../http/error-dialect.ts'
import { boundaryOf, parts } from '../../../http/request/multipart.ts'
import type { BlockSink } from '../../../importer/importer.ts'
import { cidText } from '../../../model/cid.ts'
import { goJson } from '../../../model/go-json.ts'
import type { BlockHold } from '../../../ipfs/ipfs.ts'
import { defaultPinOptions, isRemote } from '../../../model/pin.ts'
import { contentOf, flag, pathArgument, pathArguments, placed } from './arguments.ts'
import { blockLimit, just, maxBigBlockBytes, refuseLargeBlock, uploadedParts } from './block-commands.ts'
import { carHeader, carSectionHead } from '../../../model/car.ts'
import { codecCode, decodeBlock, encodeValue, isWritable } from '../../common/dag/codecs.ts'
import type { Command, CommandCall, CommandDeps } from './command.ts'
import { lines, one } from './command.ts'
import { kuboError } from './errors.ts'
import { inside, lookUp } from '../../common/dag/ipld-path.ts'
import { walk } from '../../common/dag/walk.ts'
import { contentPath } from '../paths.ts'

/** `dag/get`, `dag/put`, `dag/resolve`, `dag/stat`, `dag/export` and `dag/import`. */
export function dagCommands (deps: CommandDeps): Record<string, Command> {
  return {
    'dag/get': call => dagGet(deps, call),
    'dag/put': call => dagPut(deps, call),
    'dag/resolve': call => one(async () => {
      const { cid, rest } = await lookUp(await placed(pathArgument(call.query, 'ref'), deps.names, call), deps.reader, call.get)
      return goJson({ Cid: { '/': cidText(cid) }, RemPath: rest.map(name => `/${name}`).join('') })
    }),
    'dag/stat': call => dagStat(deps, call),
    'dag/export': call => dagExport(deps, call),
    'dag/import': call => dagImport(deps, call)
  }
}

function dagGet ({ reader, names }: CommandDeps, call: CommandCall): ReturnType<Command> {
  const { query, get } = call
  const path = pathArgument(query, 'ref')
  const codec = query.get('output-codec') || 'dag-json'
  refuseUnwritable(codec)
  return {
    kind: 'bytes',
    contentType: 'text/plain',
    source: (async function * () {
      const { cid, rest } = await lookUp(await placed(path, names, call), reader, get)
      yield encodeValue(codec, inside(decodeBlock(cid.code, await get(cid)), rest, cid)).bytes
    })()
  }
}

/** With Kubo's texts. */
function refuseUnwritable (codec: string): void {
  const code = codecCode(codec)
  if (isWritable(code)) return
  throw new ClusterError('UNSUPPORTED', { codec }, {
    message: `invalid encoding: ${codec} - no encoder registered for multicodec code ${code} (0x${code.toString(16)})`
  })
}

function dagPut ({ ipfs, hash }: CommandDeps, { query, body, signal }: CommandCall): ReturnType<Command> {
  const from = codecCode(query.get('input-codec') || 'dag-json')
  const to = query.get('store-codec') || 'dag-cbor'
  codecCode(to)
  const limit = blockLimit(query)
  return lines((async function * () {
    // the block counts, not how it is written in the upload
    for await (const upload of uploadedParts(body, maxBigBlockBytes)) {
      const { code, bytes } = encodeValue(to, decodeBlock(from, upload))
      refuseLargeBlock(bytes.length, limit)
      const cid = CID.createV1(
        code, await hash(query.get('hash') || 'sha2-256', bytes).catch(err => { throw unknownHash(err, query.get('hash')) })
      )
      await ipfs.putBlocks(just({ cid, bytes }), { signal })
      yield `${goJson({ Cid: { '/': cidText(cid) } })}\n`
    }
  })())
}

/** Here Kubo looks hashes up among all codecs. */
const unknownHash = (err: unknown, name: string): unknown =>
  isClusterError(err, 'INVALID_ARGUMENT') && err.message.startsWith('unrecognized')
    ? new ClusterError('INVALID_ARGUMENT', err.details, { message: `unknown multicodec: ${quotedText(name)}`, cause: err })
    : err

/** Blocks between two looks whether the set of known blocks has room. */
const blocksPerRoom = 1024
/** Progress comes every so many blocks; the last line has the sums. */
const statLineEvery = 256

function dagStat (deps: CommandDeps, call: CommandCall): ReturnType<Command> {
  const { reader } = deps
  const { query, get, ahead: room } = call
  const paths = pathArguments({ all: query.all('arg') }, 'root').map(contentPath)
  const withProgress = flag(query, 'progress', true)
  return lines((async function * () {
    const stats: Array<{ Cid: string, Size: number, NumBlocks: number }> = []
    const all = { blocks: 0, size: 0, referenced: 0 }
    const known = reader.seenBlocks()
    let blocks = 0
    try {
      for (const path of paths) {
        const root = await contentOf(path, deps, call)
        const stat = { Cid: cidText(root), Size: 0, NumBlocks: 0 }
        stats.push(stat)
        for await (const { cid, bytes } of walk(root, { reader, get, room })) {
          stat.NumBlocks++
          stat.Size += bytes.length
          all.referenced += bytes.length
          if (++blocks % blocksPerRoom === 0) await known.room()
          if (paths.length === 1 || known.add(cid.multihash.bytes)) {
            all.blocks++
            all.size += bytes.length
          }
          if (withProgress && stat.NumBlocks % statLineEvery === 0) yield `${goJson({ TotalSize: all.size, DagStats: stats })}\n`
        }
      }
    } finally {
      await known.close()
    }
    const shared = all.referenced - all.size
    const sums = {
      UniqueBlocks: all.blocks, TotalSize: all.size, ...(shared === 0 ? {} : { SharedSize: shared }),
      Ratio: all.size === 0 ? 1 : all.referenced / all.size
    }
    yield `${goJson({ ...sums, DagStats: stats })}\n`
  })())
}

function dagExport (deps: CommandDeps, call: CommandCall): ReturnType<Command> {
  const { reader } = deps
  const { query, get, ahead: room } = call
  const path = pathArgument(query, 'root')
  return {
    kind: 'bytes',
    contentType: 'application/vnd.ipld.car',
    source: (async function * () {
      const root = await contentOf(path, deps, call)
      yield carHeader(root)
      for await (const block of walk(root, { reader, get, room })) {
        yield carSectionHead(block)
        yield block.bytes
      }
    })()
  }
}

/** Stores the blocks of CAR files; their roots, as far as they are here then, are pinned in the cluster unless `pin-roots=false`. */
function dagImport ({ ipfs, cluster, importCar }: CommandDeps, { query, body, signal }: CommandCall): ReturnType<Command> {
  const isPartial = flag(query, 'local-only')
  const pinsRoots = flag(query, 'pin-roots', !isPartial)
  if (isPartial && pinsRoots) throw invalidArgument(partialAndPinned)
  const withStats = flag(query, 'stats')
  return lines((async function * () {
    using hold = ipfs.hold({ isUnpinned: !pinsRoots })
    const sums = { BlockCount: 0, BlockBytesCount: 0 }
    const roots = new Map<string, CID>()
    let cars = 0
    const sink: BlockSink = {
      write: async blocks => {
        sums.BlockCount += blocks.length
        sums.BlockBytesCount += bytesOf(blocks)
        await hold.put(blocks, { signal })
      }
    }
    for await (const { content } of parts(body.chunks(), boundaryOf(body.contentType), { onTruncated: 'throw' })) {
      cars++
      for (const root of (await importCar(content, sink, { signal, likeKubo: true })).roots) roots.set(cidText(root), root)
    }
    if (cars === 0) throw badRequest('argument "path" is required')
    if (pinsRoots) yield * pinnedRoots([...roots.values()], hold, { ipfs, cluster, signal })
    if (withStats) yield `${goJson({ Stats: sums })}\n`
  })())
}

const partialAndPinned = '--local-only implies --pin-roots=false and cannot be combined with --pin-roots=true; please drop one of them'

type PinDeps = Pick<CommandDeps, 'ipfs' | 'cluster'> & Pick<CommandCall, 'signal'>

/** A line for each root. The hold lasts until those that are for this peer are pinned. */
async function * pinnedRoots (roots: readonly CID[], hold: BlockHold, { ipfs, cluster, signal }: PinDeps): AsyncGenerator<string> {
  const ours: CID[] = []
  try {
    for (const root of roots) yield `${goJson({ Root: { Cid: { '/': cidText(root) }, PinErrorMsg: await pinError(root) } })}\n`
  } finally {
    hold.handOver(ours)
  }

  async function pinError (root: CID): Promise<string> {
    try {
      // a header may name what is in no CAR: nothing is waited for
      await ipfs.getBlock(root, { signal, local: true })
      await hold.keepUntilPinned(root)
      const pin = await cluster.pin(root, defaultPinOptions(), { signal })
      if (!isRemote(pin, cluster.peer)) ours.push(root)
      return ''
    } catch (err) {
      signal.throwIfAborted()
      return isClusterError(err, 'BLOCK_MISSING') ? `ipld: could not find ${cidText(root)}` : answerText(kuboError(err))
    }
  }
}
