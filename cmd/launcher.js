// Shared by the programs' bin.js, in JavaScript that any Node can start: runs a program in this process when this Node is new enough, otherwise under
// the Node of the `node` package. The program is main.ts beside bin.js, or in a build <name>-main.cjs, in others <name>-main.mjs.
import { fileURLToPath, pathToFileURL } from 'node:url'

// an import reads each export of a module and costs a short program 2 ms; Node before 20.16 has only that
const load = async name => process.getBuiltinModule?.(name) ?? await import(name)
const { existsSync } = await load('node:fs')
const { dirname, join } = await load('node:path')
const { createRequire, enableCompileCache, getCompileCacheDir } = await load('node:module')

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']

/**
 * `url` is the import.meta.url of bin.js. `runsOnOld` says of a command line that a build runs it on Node 20.16, too: starting another Node would take
 * longer than all the rest.
 */
export async function launch (url, { runsOnOld = () => false } = {}) {
  const self = fileURLToPath(url)
  const source = join(dirname(self), 'main.ts')
  const isBuild = !existsSync(source)
  if (isNode(24, 7) || (isBuild && isNode(20, 16) && runsOnOld(process.argv.slice(2)))) await runHere(isBuild ? builtProgram(self) : source)
  else await runUnderFitNode(self)
}

function isNode (major, minor) {
  const [ours, oursMinor] = process.versions.node.split('.').map(Number)
  return ours > major || (ours === major && oursMinor >= minor)
}

function builtProgram (self) {
  const chunked = self.replace(/\.js$/, '-main.cjs')
  return existsSync(chunked) ? chunked : self.replace(/\.js$/, '-main.mjs')
}

async function runHere (program) {
  if (process.env.HELIA_CLUSTER_LAUNCHED === '1') obeyLauncher()
  enableCompileCache?.()
  if (program.endsWith('.cjs')) return runChunked(program)
  const { main } = await import(pathToFileURL(program).href)
  await main()
}

/** Its compiled code is kept as soon as it says that it has started, else at the end. */
async function runChunked (program) {
  const { CodeCache } = await import('./code-cache.js')
  const code = new CodeCache(getCompileCacheDir())
  process.once('exit', () => code.keep({ isWhole: false }))
  await code.require(program).main(() => code.keep({ isWhole: true }))
}

/** In the child: the launcher tells signals over the channel. When the launcher is gone, so is this process, without any flushing. */
function obeyLauncher () {
  delete process.env.HELIA_CLUSTER_LAUNCHED
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  process.on('message', ({ signal }) => {
    if (!process.emit(signal, signal)) process.kill(process.pid, signal)
  })
  process.channel?.unref()
}

async function runUnderFitNode (self) {
  const node = fitNode(self)
  if (node == null || process.env.HELIA_CLUSTER_LAUNCHED === '1') {
    console.error(`This program needs Node 24.7 or newer; this is Node ${process.versions.node}. Put one beside it, which it then finds by itself:\n  ${installHint(self)}\nor install one from https://nodejs.org.`)
    process.exitCode = 1
    return
  }
  const { spawn } = await load('node:child_process')
  const child = spawn(node, [...process.execArgv, self, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, HELIA_CLUSTER_LAUNCHED: '1' }
  })
  for (const signal of signals) process.on(signal, () => { if (child.connected) child.send({ signal }, () => {}) })
  child.on('error', err => {
    console.error(`error starting ${node}: ${err.message}`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 1
    if (signal == null) return
    for (const name of signals) process.removeAllListeners(name)
    process.kill(process.pid, signal)
  })
}

/** The command that puts the `node` package where `fitNode` looks. */
function installHint (self) {
  const [, prefix] = /^(.*?)[\\/]node_modules[\\/]/.exec(self) ?? []
  if (prefix == null) return 'npm ci'
  const isGlobal = /[\\/]lib$/.test(prefix)
  return `npm install ${isGlobal ? '--global ' : ''}--prefix ${JSON.stringify(isGlobal ? dirname(prefix) : prefix)} --allow-scripts=node node@24`
}

/** The binary of the `node` package; undefined when it isn't installed. */
function fitNode (self) {
  try {
    const binary = join(dirname(createRequire(self).resolve('node/package.json')), 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    return existsSync(binary) ? binary : undefined
  } catch {
    return undefined
  }
}
