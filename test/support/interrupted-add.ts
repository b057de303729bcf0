import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** util-linux's, which runs a command in a terminal of its own and gives its exit code. */
const script = '/usr/bin/script'

/** Why there is no terminal to be had; null when there is. */
export const terminalMissing: string | null =
  process.platform === 'linux' && existsSync(script) ? null : `${script} of util-linux is missing`

export interface InterruptedAddInit {
  /** The Node that runs `ctl`. */
  node: string
  ctl: string
  /** Multiaddress of the API. */
  host: string
  folder: string
  /** From the start of the program to the interrupt. */
  afterMs: number
  /** A program that is still there so long after the interrupt is left, and killed. */
  withinMs: number
}

export interface InterruptedAdd {
  /** What a shell sees. */
  code: number
  /** It had ended by itself before it was interrupted. */
  isTooLate: boolean
  /** It was still there when its time was over. */
  isLeft: boolean
  /** From the interrupt to the end. */
  tookMs: number
  /** All that the terminal has shown. */
  shown: string
}

const quoted = (text: string): string => `'${text.replaceAll('\'', '\'\\\'\'')}'`

/** `ctl add -r` in a terminal, into which somebody types Ctrl-C. */
export async function interruptedAdd ({ node, ctl, host, folder, afterMs, withinMs }: InterruptedAddInit): Promise<InterruptedAdd> {
  const command = [node, ctl, '--host', host, 'add', '-r', folder].map(quoted).join(' ')
  const terminal = spawn(script, ['-qefc', `echo "[$$]"; exec ${command}`, '/dev/null'], {
    env: { ...process.env, SHELL: '/bin/sh' }, stdio: ['pipe', 'pipe', 'ignore']
  })
  let shown = ''
  const begun = Promise.withResolvers<void>()
  terminal.stdout.on('data', data => {
    shown += data
    if (shown.includes(']')) begun.resolve()
  })
  const ended = once(terminal, 'exit') as Promise<[number]>
  await Promise.race([begun.promise, ended])
  const isTooLate = await Promise.race([ended.then(() => true), sleep(afterMs, false)])
  const from = performance.now()
  if (!isTooLate) terminal.stdin.write('\u0003')
  const waiting = new AbortController()
  const isLeft = await Promise.race([
    ended.then(() => false), sleep(withinMs, true, { signal: waiting.signal }).catch(() => false)
  ])
  waiting.abort()
  const tookMs = performance.now() - from
  if (isLeft) process.kill(Number(/\[(\d+)\]/.exec(shown)?.[1]), 'SIGKILL')
  const [code] = await ended
  return { code, isTooLate, isLeft, tookMs, shown }
}

/** A folder of `files` files of `bytes` bytes each, for an add that lasts for a while. */
export async function folderToAdd (folder: string, { files, bytes }: { files: number, bytes: number }): Promise<string> {
  await mkdir(folder)
  for (let file = 0; file < files; file++) await writeFile(join(folder, `${file}`), Buffer.alloc(bytes, `${file} `))
  return folder
}
