import { base64url } from 'multiformats/bases/base64'
import { bases } from 'multiformats/basics'
import { ClusterError, invalidArgument, messageOf } from '../../../base/errors.ts'
import type { Query } from '../../../http/request/query.ts'
import type { PeerId } from '../../../model/cid.ts'
import { goJson } from '../../../model/go-json.ts'
import { ipnsCid } from '../../../model/ipns-name.ts'
import type { NameKey } from '../../../ipfs/name-publisher.ts'
import { flag, integer, pathArguments, textArgument } from './arguments.ts'
import type { Command, CommandDeps } from './command.ts'
import { lines, one } from './command.ts'
import { uploadedFile } from './uploaded-file.ts'

/** RSA keys of 8192 bits have 5 KiB, in PEM 7. */
const maxKeyBytes = 64 * 1024
const maxSignedBytes = 4 * 1024 * 1024

/**
 * `key/gen`, `key/list`, `key/rename`, `key/rm`, `key/import`, `key/sign` and `key/verify`. Kubo's `key export` isn't part of its API
 * either: private keys stay on the machine.
 */
export function keyCommands ({ names: { keys } }: Pick<CommandDeps, 'names'>): Record<string, Command> {
  const list: Command = ({ query }) => one(async () => {
    const idText = idTextOf(query, 'cannot get key encoder: ')
    return goJson({ Keys: (await keys.list()).map(key => keyOutput(key, idText)) })
  })
  return {
    'key/list': list,
    'key/ls': list,
    'key/gen': ({ query }) => {
      const name = textArgument(query, 0, 'name')
      const size = integer(query, 'size', { whenMissing: -1, atLeast: Number.MIN_SAFE_INTEGER })
      return one(async () => {
        const idText = idTextOf(query)
        const key = await keys.generate(name, { type: query.get('type') || 'ed25519', bits: size === -1 ? undefined : size })
        return goJson(keyOutput(key, idText))
      })
    },
    'key/import': ({ query, body }) => {
      const name = textArgument(query, 0, 'name')
      const anyType = flag(query, 'allow-any-key-type')
      return one(async () => {
        const idText = idTextOf(query)
        const bytes = await uploadedFile(body, { name: 'key', limitBytes: maxKeyBytes })
        return goJson(
          keyOutput(await keys.import(name, bytes, { format: query.get('format') || 'libp2p-protobuf-cleartext', anyType }), idText)
        )
      })
    },
    'key/rename': ({ query }) => {
      const [from, to] = [textArgument(query, 0, 'name'), textArgument(query, 1, 'newName')]
      const force = flag(query, 'force')
      return one(async () => {
        const idText = idTextOf(query)
        const { id, overwritten } = await keys.rename(from, to, { force })
        return goJson({ Was: from, Now: to, Id: idText(id), Overwrite: overwritten })
      })
    },
    'key/sign': ({ query, body }) => lines((async function * () {
      const idText = idTextOf(query)
      const data = await uploadedFile(body, { name: 'data', limitBytes: maxSignedBytes })
      const { key, signature } = await keys.sign(query.get('key') || 'self', data)
      yield `${goJson({ Key: keyOutput(key, idText), Signature: base64url.encode(signature) })}\n`
    })()),
    'key/verify': ({ query, body }) => lines((async function * () {
      const idText = idTextOf(query)
      const data = await uploadedFile(body, { name: 'data', limitBytes: maxSignedBytes })
      const { key, isValid } = await keys.verify(query.get('key') || 'self', signatureOf(query.get('signature')), data)
      yield `${goJson({ Key: keyOutput(key, idText), SignatureValid: isValid })}\n`
    })()),
    'key/rm': ({ query }) => {
      const asked = pathArguments({ all: query.all('arg') }, 'name')
      return one(async () => {
        const idText = idTextOf(query)
        const removed: NameKey[] = []
        for (const name of asked) removed.push(await keys.remove(name))
        return goJson({ Keys: removed.map(key => keyOutput(key, idText)) })
      })
    }
  }
}

/** In any multibase. */
function signatureOf (text: string): Uint8Array {
  const wrong = (why: string): ClusterError => invalidArgument(why)
  if (text === '') throw wrong('cannot decode multibase for zero length string')
  const base = Object.values(bases).find(({ prefix }) => text.startsWith(prefix))
  if (base == null) throw wrong('selected encoding not supported')
  try {
    return base.decode(text)
  } catch (err) {
    throw wrong(messageOf(err))
  }
}

const keyOutput = ({ name, id }: NameKey, idText: (id: PeerId) => string): { Name: string, Id: string } => ({ Name: name, Id: idText(id) })

/** How IDs are printed: `b58mh` (a peer ID in base58), or a CID in a base by its name or letter; base36 when nothing is said. */
function idTextOf (query: Query, before = ''): (id: PeerId) => string {
  const asked = query.get('ipns-base') || 'base36'
  if (asked === 'b58mh') return id => id
  const base = Object.values(bases).find(({ name, prefix }) => name === asked || prefix === asked)
  if (base == null) {
    throw invalidArgument(`${before}unsupported multibase encoding: ${asked}`, { base: asked })
  }
  return id => ipnsCid(id).toString(base.encoder)
}
