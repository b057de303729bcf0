import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess, SpawnOptions } from 'node:child_process'

const unshare = ['--pid', '--fork', '--mount-proc', '--kill-child', '--']

/** Why no program can be run in a PID namespace of its own here, or false when it can: what `it` takes as `skip`. */
export function noPidNamespace (): string | false {
  const tried = spawnSync('unshare', [...unshare, 'true'], { encoding: 'utf8' })
  if (tried.error != null) return 'unshare is not on PATH'
  return tried.status === 0 ? false : `unshare --pid: ${tried.stderr.trim()}`
}

/**
 * Runs a program where it is process 1 and sees no process of this machine, as in a container. It is killed with the child that is
 * returned.
 */
export function spawnInPidNamespace (program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  return spawn('unshare', [...unshare, program, ...args], options)
}
