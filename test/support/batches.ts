import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * What a file does to the whole process, which others would feel: hooks outside of any `describe`, variables, listeners and exits of the
 * process, measures of its memory and of its time. And threads and servers, which have times of their own: they want the process for
 * themselves.
 */
const touchesOthers =
  /^(before|beforeEach|afterEach)\(|process\.(env|on|once|chdir|exit|umask|memoryUsage|cpuUsage|kill)|globalThis\.|setFlagsFromString|heap|in-little-memory|EventLoop|--expose|threads?[/-]|PostgresServer|s3-server|\/proc\/self/m

/** Files of one kind share a process with each other only, so many at a time; the first whose pattern a file has is its kind. */
const kinds = [
  // whole libp2p hosts: they wait much, and begin first
  { name: 'hosts', has: /cluster-hosts|support\/helia\.ts|createLibp2p/, perBatch: 4 },
  { name: 'databases', has: /eachDatabase/, perBatch: 5 },
  { name: 'others', has: /(?:)/, perBatch: 30 }
]

/** Whether the tests of a file can share a process with those of others. */
export const canShare = (file: string): boolean => !touchesOthers.test(readFileSync(file, 'utf8'))

/**
 * One process for several files that can share it: most take longer to start, and to be compiled, than to run. Gives the files to run
 * instead, each of which imports some. A test is still told with the file that it stands in.
 */
export function batchesOf (files: readonly string[], folder: string): string[] {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const kindOf = (file: string): string | undefined => {
    const text = readFileSync(file, 'utf8')
    return kinds.find(({ has }) => has.test(text))?.name
  }
  const byKind = Map.groupBy(files, kindOf)
  return kinds.flatMap(({ name, perBatch }) => spread(byKind.get(name) ?? [], { folder, name, perBatch }))
}

function spread (files: readonly string[], { folder, name, perBatch }: { folder: string, name: string, perBatch: number }): string[] {
  const count = Math.ceil(files.length / perBatch)
  return Array.from({ length: count }, (_, batch) => {
    const path = join(folder, `${name}-${batch + 1}-of-${count}.mjs`)
    // neighbours in a folder are alike: spread, no batch gets all the long ones
    const imports = files.filter((_, at) => at % count === batch).map(file => `import ${JSON.stringify(pathToFileURL(file).href)}\n`)
    writeFileSync(path, imports.join(''))
    return path
  })
}
