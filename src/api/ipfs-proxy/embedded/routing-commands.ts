import { ClusterError, invalidArgument, isClusterError, messageOf } from '../../../base/errors.ts'
import type { PeerId } from '../../../model/cid.ts'
import { parseCid } from '../../../model/cid.ts'
import { goJson } from '../../../model/go-json.ts'
import { parseIpnsKey } from '../../../model/ipns-name.ts'
import { flag, textArgument } from './arguments.ts'
import type { Command, CommandDeps } from './command.ts'
import { lines } from './command.ts'
import { uploadedFile } from './uploaded-file.ts'

/** The number that Go has for a value that was found. */
const valueEvent = 5
/** One more than a record may have: then its text says so. */
const maxRecordBytes = 10 * 1024 + 1

/** `routing/get` and `routing/put`, for records of names: all that Kubo takes. */
export function routingCommands ({ names }: Pick<CommandDeps, 'names'>): Record<string, Command> {
  return {
    'routing/get': ({ query, signal }) => {
      const key = textArgument(query, 0, 'key')
      return lines((async function * () {
        const { bytes } = await names.recordOf(peerOf(key), { signal }).catch(err => {
          throw isClusterError(err, 'NOT_FOUND')
            ? new ClusterError('NOT_FOUND', err.details, { message: 'routing: not found', cause: err })
            : err
        })
        yield event({ Extra: Buffer.from(bytes).toString('base64') })
      })())
    },
    'routing/put': ({ query, body, signal }) => {
      const key = textArgument(query, 0, 'key')
      const allowOffline = flag(query, 'allow-offline')
      return lines((async function * () {
        const record = await uploadedFile(body, { name: 'value-file', limitBytes: maxRecordBytes })
        const peer = parsePeer(key.replace(/^\/ipns\//, ''))
        peerOf(key)
        await names.putRecord(peer, record, { allowOffline, signal })
        yield event({ ID: peer })
      })())
    }
  }
}

const event = ({ ID = '', Extra = '' }: { ID?: PeerId, Extra?: string }): string =>
  `${goJson({ ID, Type: valueEvent, Responses: null, Extra })}\n`

/** `/ipns/KEY` and nothing else. */
function peerOf (key: string): PeerId {
  const [, name] = /^\/ipns\/([^/]*)$/.exec(key) ?? []
  if (name == null) throw invalidArgument('invalid key', { key: key.slice(0, 200) })
  return parsePeer(name)
}

function parsePeer (text: string): PeerId {
  const peer = parseIpnsKey(text)
  if (peer == null) {
    throw invalidArgument(`failed to parse peer ID: ${whyNoPeer(text)}`, { peer: text.slice(0, 200) })
  }
  return peer
}

function whyNoPeer (text: string): string {
  try {
    return `can't convert CID of type ${JSON.stringify(`0x${parseCid(text).code.toString(16)}`)} to a peer ID`
  } catch (err) {
    return messageOf(err)
  }
}
