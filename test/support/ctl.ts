import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { runAndTell } from '../../cmd/helia-cluster-ctl/main.ts'
import type { CtlTerminal } from '../../cmd/helia-cluster-ctl/terminal.ts'
import { systemClock } from '../../src/base/system.ts'
import type { Clock } from '../../src/base/clock.ts'

export interface CtlResult { status: number, stdout: string, stderr: string }

export interface CtlRunInit {
  variables?: Record<string, string>
  isTerminal?: boolean
  signal?: AbortSignal
  clock?: Clock
  /** Told of everything printed on stdout. */
  onOut? (text: string): void
}

/** Runs ctl in this process, with a terminal that remembers. */
export async function runCtlHere (
  argv: readonly string[],
  { variables = {}, isTerminal = false, signal = new AbortController().signal, clock = systemClock, onOut }: CtlRunInit = {}
): Promise<CtlResult> {
  const printed = { stdout: '', stderr: '' }
  const terminal: CtlTerminal = {
    variables,
    outIsTerminal: isTerminal,
    errIsTerminal: isTerminal,
    size: () => ({ columns: 100, rows: 12 }),
    out: text => {
      printed.stdout += text
      onOut?.(text)
    },
    err: text => { printed.stderr += text }
  }
  const status = await runAndTell({ argv, program: 'helia-cluster-ctl' }, { terminal, clock, signal })
  return { status, ...printed }
}

export interface ApiAnswer { status?: number, body?: string, streamError?: string }

/** A REST API that gives prepared answers. */
export interface StubApi {
  host: string
  /** "GET /id" as they came. */
  asked: string[]
  /** The headers and body of the last request. */
  last: { headers: IncomingMessage['headers'], body: string }
  stop (): Promise<void>
}

/** `answers`: by "METHOD /path" without the query; a function is asked each time. Others get 404. */
export async function stubApi (answers: Readonly<Record<string, ApiAnswer | (() => ApiAnswer)>>): Promise<StubApi> {
  const api: StubApi = { host: '', asked: [], last: { headers: {}, body: '' }, stop: async () => {} }
  const server = createServer((request, response) => {
    const body: Buffer[] = []
    request.on('data', (chunk: Buffer) => body.push(chunk)).on('end', () => {
      api.asked.push(`${request.method} ${request.url}`)
      api.last = { headers: request.headers, body: Buffer.concat(body).toString() }
      const found = answers[`${request.method} ${request.url?.split('?')[0]}`]
        ?? { status: 404, body: '{"code":404,"message":"not found"}' }
      const { status = 200, body: text = '', streamError = '' } = typeof found === 'function' ? found() : found
      response.writeHead(status, { 'content-type': 'application/json', ...(status === 200 ? { trailer: 'X-Stream-Error' } : {}) })
      if (text !== '') response.write(text)
      if (status === 200) response.addTrailers({ 'X-Stream-Error': streamError })
      response.end()
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  api.host = `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`
  api.stop = async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  return api
}
