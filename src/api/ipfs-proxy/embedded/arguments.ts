import type { CID } from '../../../model/cid.ts'
import { badRequest } from '../../../http/error-dialect.ts'
import type { Query } from '../../../http/request/query.ts'
import type { IpfsConnector } from '../../../ipfs/ipfs.ts'
import { followName } from '../../../ipfs/names.ts'
import type { NameResolver } from '../../../ipfs/names.ts'
import { contentPath } from '../paths.ts'
import { goInteger } from '../go-integer.ts'
import type { CommandCall, CommandDeps } from './command.ts'
import { kuboError } from './errors.ts'

/** All values of `arg`; 400 with Kubo's text when there is none. */
export function pathArguments ({ all }: { all: readonly string[] }, name = 'ipfs-path'): readonly string[] {
  if (all.length === 0) throw badRequest(`argument "${name}" is required`)
  return all
}

/** The first `arg`, as `/ipfs/…` or `/ipns/…`. 400 when there is none, `name` in it; INVALID_ARGUMENT for what is no path. */
export function pathArgument (query: Query, name = 'ipfs-path'): string {
  return contentPath(pathArguments({ all: query.all('arg') }, name)[0] ?? '')
}

/** A flag as Kubo reads it; 400 when it is none. */
export function flag (query: Query, name: string, whenMissing = false): boolean {
  const text = query.get(name)
  if (text === '') return whenMissing
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true
  if (/^(0|f|F|false|FALSE|False)$/.test(text)) return false
  throw notA('bool', name, text)
}

/** An integer; 400 when it is none or below `atLeast`, which says what Kubo calls it: `-Infinity` is an int64. */
export function integer (query: Query, name: string, { whenMissing, atLeast }: { whenMissing: number, atLeast: number }): number {
  const text = query.get(name)
  if (text === '') return whenMissing
  const value = goInteger(text)
  // Go's unsigned integers have no sign
  if (value == null || value < atLeast || (atLeast >= 0 && /^[+-]/.test(text))) {
    throw notA(atLeast === -Infinity ? 'int64' : atLeast < 0 ? 'int' : 'uint', name, text)
  }
  return value
}

/** An unsigned integer of 64 bits; undefined when it isn't there. */
export function uint64 (query: Query, name: string): bigint | undefined {
  const text = query.get(name)
  if (text === '') return undefined
  const value = /^\d{1,20}$/.test(text) ? BigInt(text) : -1n
  if (value < 0n || value !== BigInt.asUintN(64, value)) throw notA('uint64', name, text)
  return value
}

const notA = (type: string, name: string, text: string): Error =>
  badRequest(`could not convert value ${JSON.stringify(text)} to type ${JSON.stringify(type)} (for option "-${name}")`)

/** One of several texts in `arg`; 400 with Kubo's text when it isn't there at all. */
export function textArgument (query: Query, at: number, name: string): string {
  const text = query.all('arg')[at]
  if (text == null) throw badRequest(`argument ${JSON.stringify(name)} is required`)
  return text
}

/** The CID that a path leads to. What fails is thrown in Kubo's words. */
export async function resolved (ipfs: Pick<IpfsConnector, 'resolve'>, path: string, signal: AbortSignal): Promise<CID> {
  try {
    return await ipfs.resolve(path, { signal })
  } catch (err) {
    throw kuboError(err)
  }
}

type Placing = Pick<CommandCall, 'signal' | 'below'>

/** `/ipns/NAME/a` → `/ipfs/CID/a`; other paths as they are. From then on the call's blocks are looked for where that path's root is. */
export async function placed (path: string, names: NameResolver, { signal, below }: Placing): Promise<string> {
  const { value } = await followName(path, names, { signal })
  below(value.split('/')[2] ?? '')
  return value
}

/** The block that a path leads to, and the call's other blocks from where its root is pinned. Errors have Kubo's texts. */
export async function contentOf (path: string, { ipfs, names }: Pick<CommandDeps, 'ipfs' | 'names'>, call: Placing): Promise<CID> {
  return resolved(ipfs, await placed(path, names, call), call.signal)
}
