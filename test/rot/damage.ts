import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'

export const damageKinds = ['flipped bit', 'zeroed byte', 'cut'] as const
export type DamageKind = typeof damageKinds[number]

/** What a trial does to a folder. */
export interface Damage { file: string, kind: DamageKind, at: number }

/** Numbers that follow from a seed (mulberry32). */
export function dice (seed: number): (below: number) => number {
  let state = seed >>> 0
  return below => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor(((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 * below)
  }
}

/** Damages one place of one file that has any bytes: each file is as likely as any other, and each place of it. */
export async function damageOnce (folder: string, pick: (below: number) => number): Promise<Damage> {
  const files: string[] = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile() && (await stat(path)).size > 0) files.push(relative(folder, path))
  }
  files.sort()
  const file = files[pick(files.length)] ?? ''
  const kind = damageKinds[pick(damageKinds.length)] ?? 'cut'
  const bytes = await readFile(join(folder, file))
  let at = pick(bytes.length)
  if (kind === 'cut') await writeFile(join(folder, file), bytes.subarray(0, at))
  else {
    while (kind === 'zeroed byte' && bytes[at] === 0 && bytes.some(byte => byte !== 0)) at = pick(bytes.length)
    bytes[at] = kind === 'flipped bit' ? (bytes[at] ?? 0) ^ (1 << pick(8)) : 0
    await writeFile(join(folder, file), bytes)
  }
  return { file, kind, at }
}

/** The row of the table that a file belongs to. */
export function kindOfFile (file: string): string {
  const kinds: Array<[RegExp, string]> = [
    [/^state\/pinset\/\d+\.log$/, 'pinset: log'], [/^state\/pinset\/\d+\.ldb$/, 'pinset: table'],
    [/^state\/pinset\/(CURRENT|MANIFEST.*)$/, 'pinset: CURRENT, MANIFEST'],
    [/^state\/local\/\d+\.log$/, 'roots: log'], [/^state\/local\/\d+\.ldb$/, 'roots: table'],
    [/^state\/local\/(CURRENT|MANIFEST.*)$/, 'roots: CURRENT, MANIFEST'],
    [/^blocks\/index\/\d+\.(log|ldb)$/, 'block index: log, table'],
    [/^blocks\/index\/(CURRENT|MANIFEST.*)$/, 'block index: CURRENT, MANIFEST'],
    [/(synced|sealed)$/, 'marks beside the stores'], [/(LOG|LOG\.old)$/, "LevelDB's own words"],
    [/\.segment$/, 'blocks: segment'], [/version\.json$/, 'blocks: version.json'],
    [/pins\.sqlite/, 'index of the pinning service'], [/identity\.json$/, 'identities'], [/^service\.json$/, 'service.json'],
    [/^peerstore$/, 'peerstore'], [/^cluster\.lock$/, 'cluster.lock']
  ]
  return kinds.find(([pattern]) => pattern.test(file))?.[1] ?? 'other'
}
