import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

/** Names the folder into which a run of all tests has bundled the programs: a peer's start costs a third of what it does from the sources. */
const bundleVariable = 'HELIA_CLUSTER_TESTS_BUNDLE'

/** Lets all processes that this one starts from now on use the programs in this folder. */
export function shareBundle (folder: string): void { process.env[bundleVariable] = folder }

/** A program as tests start it: the bundle that `npm test` has just made, else (a file that runs alone) the sources. */
export function programFile (name: 'service' | 'ctl' | 'follow'): string {
  const program = `helia-cluster-${name}`
  const folder = process.env[bundleVariable]
  return folder == null ? join(root, 'cmd', program, 'bin.js') : join(folder, `${program}.js`)
}
