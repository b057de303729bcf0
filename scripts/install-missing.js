// Installs the dependencies when there are none, or when they are older than the lock file. Plain JavaScript for any Node from 20 on: it runs before
// everything else (prestart, pretest).
import { spawnSync } from 'node:child_process'
import { lstatSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const reason = whyInstall()
if (reason != null) {
  // npm ci would empty the folder behind the link, which others use
  if (lstatSync(join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink() === true) {
    console.error(`${reason}, but node_modules is a symbolic link, and the folder behind it may be somebody else's: run npm ci there, or remove the link`)
    process.exit(1)
  }
  console.error(`npm ci, because ${reason}: this takes a while`)
  // what npm warns of (engines of packages, their scripts) is settled by package.json and nothing to do for who starts a peer
  const { status } = spawnSync('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], shell: process.platform === 'win32' })
  process.exit(status ?? 1)
}

function whyInstall () {
  // npm writes this file at the end of every install
  const installed = timeOf('node_modules/.package-lock.json')
  if (installed == null) return 'node_modules is missing'
  const locked = timeOf('package-lock.json')
  return locked != null && locked > installed ? 'package-lock.json is newer than node_modules' : undefined
}

function timeOf (path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs
}
