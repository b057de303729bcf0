/**
 * What `npm start` runs: a peer of its own on 127.0.0.1 in ./.helia-cluster (or IPFS_CLUSTER_PATH), made on the first run, and what to try with it.
 */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runDaemon, systemDaemonDeps } from '../cmd/helia-cluster-service/daemon.ts'
import { endProcess } from '../cmd/helia-cluster-service/end-process.ts'
import { initFolder } from '../cmd/helia-cluster-service/init.ts'
import { systemTerminal } from '../cmd/helia-cluster-service/terminal.ts'
import { whatToTry } from '../cmd/helia-cluster-service/what-to-try.ts'
import { messageOf } from '../src/base/errors.ts'
import { buildWebIfStale } from './web-build.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const terminal = systemTerminal()
const folder = resolve(terminal.variables.IPFS_CLUSTER_PATH ?? join(root, '.helia-cluster'))

try {
  if (!existsSync(join(folder, 'service.json'))) {
    terminal.err(`Making a peer that listens on 127.0.0.1 only, in ${folder}\n`)
    await initFolder({ folder, consensus: 'crdt', datastore: 'level', profile: 'test' }, terminal)
    await addPages(join(folder, 'service.json'))
  }
  await buildWebIfStale(join(root, 'dist/web')).catch((err: unknown) => terminal.err(`The web pages could not be built: ${messageOf(err)}\n`))
  const deps = systemDaemonDeps(terminal)
  endProcess(await runDaemon({ folder, levels: terminal.variables.IPFS_CLUSTER_LOG_LEVEL ?? 'info', trust: true }, {
    ...deps,
    onReady: node => terminal.out(whatToTry(node.addresses))
  }))
} catch (err) {
  terminal.err(`${messageOf(err)}\n`)
  endProcess(1)
}

/** The pinning service and the pages of the cluster, to be looked at: `init` writes neither. Codes that are mailed are in the log. */
async function addPages (file: string): Promise<void> {
  const json = JSON.parse(await readFile(file, 'utf8'))
  json.api = { ...json.api, webui: {}, service: { mail: { log: true } } }
  await writeFile(file, JSON.stringify(json, null, 2))
}
