import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, ListenOptions } from 'node:net'

/** What a fake Kubo answers: a status and a body, `null` for nothing ever, or a function that writes by itself. */
export type FakeAnswer = { status?: number, body: string, trailer?: string } | null | (
  (request: IncomingMessage, response: ServerResponse, body: Buffer) => void
)

export interface FakeKubo {
  /** Multiaddress of the API. */
  api: string
  /** What follows `/api/v0/`, in the order of the calls. */
  readonly calls: string[]
  readonly bodies: Buffer[]
  /** Headers of the last call. */
  readonly headers: Record<string, string | string[] | undefined>
  close (): Promise<void>
}

export const notPinned = (cid: unknown): FakeAnswer => ({
  status: 500, body: `{"Message":"path '${String(cid)}' is not pinned","Code":0,"Type":"error"}`
})

/** An HTTP server in Kubo's place; `answer` is asked for each call. */
export async function fakeKubo (
  answer: (call: string) => FakeAnswer, listen: ListenOptions = { host: '127.0.0.1', port: 0 }
): Promise<FakeKubo> {
  const calls: string[] = []
  const bodies: Buffer[] = []
  const headers: FakeKubo['headers'] = {}
  const server = createServer((request, response) => {
    const call = (request.url ?? '').replace('/api/v0/', '')
    calls.push(call)
    Object.assign(headers, request.headers)
    const parts: Buffer[] = []
    request.on('data', part => parts.push(part as Buffer))
    request.on('end', () => {
      const body = Buffer.concat(parts)
      bodies.push(body)
      const reply = answer(call)
      if (typeof reply === 'function') reply(request, response, body)
      else if (reply != null) send(response, reply)
    })
  })
  await new Promise<void>(resolve => server.listen(listen, resolve))
  const address = server.address() as AddressInfo | string
  return {
    api: typeof address === 'string' ? `/unix${address}` : `/ip4/127.0.0.1/tcp/${address.port}`,
    calls,
    bodies,
    headers,
    close: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  }
}

function send (response: ServerResponse, { status = 200, body, trailer }: Exclude<FakeAnswer, null | ((...args: never[]) => void)>): void {
  response.writeHead(status, { 'Content-Type': 'application/json', Trailer: 'X-Stream-Error' })
  response.write(body)
  if (trailer != null) response.addTrailers({ 'X-Stream-Error': trailer })
  response.end()
}
