import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

/** Where `npm test` bundles the programs before it starts: a peer's start costs a third of what it does from the sources. */
export const bundledFolder = join(root, 'node_modules/.cache/helia-cluster-programs')

/** A program as tests start it: the bundle that `npm test` has just made, else (a file that runs alone) the sources. */
export function programFile (name: 'service' | 'ctl' | 'follow'): string {
  const program = `helia-cluster-${name}`
  return process.env.HELIA_CLUSTER_TESTS_BUNDLE === '1' ? join(bundledFolder, `${program}.js`) : join(root, 'cmd', program, 'bin.js')
}
