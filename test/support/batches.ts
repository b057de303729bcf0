import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * What a file does to the whole process, which others would feel: hooks outside of any `describe`, variables, listeners and exits of the
 * process, measures of its memory and of its time. And whole libp2p hosts, threads and servers, which have times of their own: they want
 * the process for themselves.
 */
const touchesOthers =
  /^(before|beforeEach|afterEach)\(|process\.(env|on|once|chdir|exit|umask|memoryUsage|cpuUsage|kill)|globalThis\.|setFlagsFromString|heap|in-little-memory|EventLoop|eachDatabase|--expose|cluster-hosts|support\/helia\.ts|createLibp2p|threads?[/-]|PostgresServer|s3-server|\/proc\/self/m

/** Whether the tests of a file can share a process with those of others. */
export const canShare = (file: string): boolean => !touchesOthers.test(readFileSync(file, 'utf8'))

const perBatch = 30

/**
 * One process for thirty files that can share it: most take longer to start than to run. Gives the files to run instead, each of which
 * imports its thirty. A test is still told with the file that it stands in.
 */
export function batchesOf (files: readonly string[], folder: string): string[] {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const count = Math.ceil(files.length / perBatch)
  return Array.from({ length: count }, (_, batch) => {
    const path = join(folder, `${batch + 1}-of-${count}.mjs`)
    // neighbours in a folder are alike: spread, no batch gets all the long ones
    const imports = files.filter((_, at) => at % count === batch).map(file => `import ${JSON.stringify(pathToFileURL(file).href)}\n`)
    writeFileSync(path, imports.join(''))
    return path
  })
}
