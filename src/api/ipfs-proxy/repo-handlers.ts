import type { ClusterApi } from '../../cluster/cluster-api.ts'
import type { RequestContext } from '../../http/request-context.ts'
import type { Reply } from '../../http/answer/reply.ts'
import { goJson } from '../../model/go-json.ts'
import type { RepoGc } from '../../model/peer.ts'
import { wholeReply } from './pin-handlers.ts'

/** What clients of Kubo fail without, and nobody can tell of all peers: how many blocks, where, in which format. */
const untold = '"NumObjects":0,"RepoPath":"","Version":"fs-repo@18"'

/** `repo/stat`: size and capacity in bytes, summed over all peers that answer. */
export function repoStatHandler (cluster: ClusterApi): (context: RequestContext) => Promise<Reply> {
  return async ({ signal }) => {
    const { repoSize, storageMax } = await cluster.repoStat({ signal })
    return wholeReply(`{"RepoSize":${repoSize},"StorageMax":${storageMax},${untold}}`)
  }
}

/** `repo/gc` on all peers: a line per removed key. Errors go into lines with `stream-errors=true`, else together into the trailer. */
export function repoGcHandler (cluster: ClusterApi): (context: RequestContext) => Promise<Reply> {
  return async ({ query, signal }) => {
    const rows = await cluster.repoGc({ signal })
    return { kind: 'lines', style: 'progress', source: gcLines(rows.values(), query.get('stream-errors') === 'true') }
  }
}

async function * gcLines (rows: Iterable<RepoGc>, withErrors: boolean): AsyncGenerator<string> {
  const errors: string[] = []
  for (const { keys, error: peerError } of rows) {
    let text = ''
    for (const { key, error } of keys) {
      if (error === '') text += `{"Key":{"/":"${String(key)}"}}\n`
      else if (withErrors) text += `${goJson({ ...(key == null ? {} : { Key: { '/': key.toString() } }), Error: error })}\n`
      else errors.push(error)
    }
    if (peerError !== '') {
      if (withErrors) text += `${goJson({ Error: peerError })}\n`
      else errors.push(peerError)
    }
    if (text !== '') yield text
  }
  if (errors.length > 0) throw new Error(`encountered errors during gc run: ${errors.join('; ')}`)
}
