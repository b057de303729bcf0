import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { missing } from './go-peer.ts'

const source = join(import.meta.dirname, 'oracle')
const run = promisify(execFile)

/** The running oracle (`oracle/main.go`): Go's own libraries, asked over a pipe. */
export interface Oracle {
  /** Rejects with what the oracle says went wrong. */
  ask<T = unknown> (request: string, args?: unknown): Promise<T>
  stop (): Promise<void>
}

/**
 * Why the oracle can't be built here, or false: what `describe` takes as `skip`. Fetches the modules it needs, for three minutes at most;
 * where one small one does not come within twenty seconds there is no use in waiting for the others.
 */
export async function noOracle (): Promise<string | false> {
  const noGo = missing('go')
  if (noGo !== false) return noGo
  try {
    await run('go', ['mod', 'download', 'github.com/ipfs/go-cid'], { cwd: source, timeout: 20_000 })
    await run('go', ['mod', 'download'], { cwd: source, timeout: 180_000 })
    return false
  } catch (err) {
    if ((err as { killed?: boolean }).killed === true) return 'Go\'s modules do not come in time'
    return `Go's modules can not be had: ${String((err as { stderr?: string }).stderr ?? err).trim().split('\n').at(-1)}`
  }
}

/** Builds the oracle into a temporary folder and starts it. A source that does not compile is an error. */
export async function startOracle (): Promise<Oracle> {
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-oracle-'))
  const program = join(folder, 'oracle')
  await run('go', ['build', '-o', program, '.'], { cwd: source, timeout: 300_000 })
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] })
  const asked = new Map<number, PromiseWithResolvers<any>>()
  const ended = new Promise<void>(resolve => child.once('exit', () => {
    for (const { reject } of asked.values()) reject(new Error('the oracle has ended'))
    resolve()
  }))
  createInterface({ input: child.stdout }).on('line', line => {
    const { id, value, error } = JSON.parse(line)
    const waiting = asked.get(id)
    asked.delete(id)
    if (error == null) waiting?.resolve(value)
    else waiting?.reject(new Error(error))
  })
  let last = 0
  return {
    ask: async (request, args = {}) => {
      const id = ++last
      const answer = Promise.withResolvers<any>()
      asked.set(id, answer)
      child.stdin.write(`${JSON.stringify({ id, do: request, with: args })}\n`)
      return answer.promise
    },
    stop: async () => {
      child.stdin.end()
      await ended
      await rm(folder, { recursive: true, force: true })
    }
  }
}

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
export const fromBase64 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'))
