import type { CID } from '../../../model/cid.ts'
import { badRequest } from '../../../http/dialect.ts'
import type { Query } from '../../../http/query.ts'
import type { IpfsConnector } from '../../../ipfs/ipfs.ts'
import { contentPath } from '../paths.ts'
import { kuboError } from './errors.ts'

/** All values of `arg`; 400 with Kubo's text when there is none. */
export function pathArguments ({ all }: { all: readonly string[] }, name = 'ipfs-path'): readonly string[] {
  if (all.length === 0) throw badRequest(`argument "${name}" is required`)
  return all
}

/** The one `arg`, checked as a path. */
export function pathArgument (query: Query, name = 'ipfs-path'): string {
  return contentPath(pathArguments({ all: query.all('arg') }, name)[0] ?? '')
}

/** A flag as Kubo reads it; 400 when it is none. */
export function flag (query: Query, name: string, whenMissing = false): boolean {
  const text = query.get(name)
  if (text === '') return whenMissing
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true
  if (/^(0|f|F|false|FALSE|False)$/.test(text)) return false
  throw badRequest(`Failed to decode option "${name}": ${JSON.stringify(text)} is not a boolean`)
}

/** An integer; 400 when it is none or below `atLeast`. */
export function integer (query: Query, name: string, { whenMissing, atLeast }: { whenMissing: number, atLeast: number }): number {
  const text = query.get(name)
  if (text === '') return whenMissing
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < atLeast) throw badRequest(`Failed to decode option "${name}": ${JSON.stringify(text)} is not a fitting number`)
  return value
}

/** Resolves with Kubo's texts. */
export async function resolved (ipfs: Pick<IpfsConnector, 'resolve'>, path: string, signal: AbortSignal): Promise<CID> {
  try {
    return await ipfs.resolve(path, { signal })
  } catch (err) {
    throw kuboError(err)
  }
}
