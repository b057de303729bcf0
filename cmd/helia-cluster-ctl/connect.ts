import type { Clock } from '../../src/base/clock.ts'
import type { ClusterClient } from '../../src/client/client.ts'
import { parseEndpoint } from '../../src/client/endpoint.ts'
import type { Endpoint } from '../../src/client/endpoint.ts'
import { failover } from '../../src/client/failover.ts'
import { nodeTransport } from '../../src/client/node-transport.ts'
import type { Transport } from '../../src/client/transport.ts'
import { CommandFailed, failed } from './failure.ts'
import type { FlagValues } from './usage/flags.ts'
import type { CtlTerminal } from './terminal.ts'

export interface ConnectDeps { terminal: Pick<CtlTerminal, 'err'>, clock: Clock }

const defaultHost = '/ip4/127.0.0.1/tcp/9094'

/** A client as the global flags want it. Throws CommandFailed for flags that aren't valid; nothing is dialled yet. */
export async function connect (flags: FlagValues, deps: ConnectDeps): Promise<ClusterClient> {
  const { ClusterClient } = await import('../../src/client/client.ts')
  const secret = secretOf(flags.text('secret'))
  const endpoints = flags.text('host', defaultHost).split(',').map(endpointOf)
  const [, username = '', , password = ''] = /^([^:]*)(:(.*))?$/s.exec(flags.text('basic-auth')) ?? []
  const https = flags.yes('https') || (username !== '' && !flags.yes('force-http'))
  const libp2p = endpoints.some(({ kind }) => kind === 'libp2p') ? await libp2pOpener(secret) : {}
  const transport = failover(endpoints.map(endpoint => nodeTransport({
    endpoint,
    https,
    tls: { rejectUnauthorized: !flags.yes('no-check-certificate') },
    timeout: { ms: flags.number('timeout') * 1000, clock: deps.clock },
    ...libp2p
  })))
  return new ClusterClient({
    transport: flags.yes('debug') ? talkative(transport, deps) : transport, ...(username === '' ? {} : { auth: { username, password } })
  })
}

function endpointOf (text: string): Endpoint {
  try {
    return parseEndpoint(text)
  } catch (err) {
    throw failed('parsing host multiaddress', err)
  }
}

function secretOf (text: string): string {
  const bad = /[^\da-f]/i.exec(text)?.[0]
  if (bad != null) throw new CommandFailed(`error parsing secret: encoding/hex: invalid byte: ${goRune(bad)}`)
  if (text.length % 2 === 1) throw new CommandFailed('error parsing secret: encoding/hex: odd length hex string')
  if (text !== '' && text.length !== 64) throw new CommandFailed('error creating API client: length of ProtectorKey should be 32')
  return text
}

/** A character as Go's %#U prints it. */
const goRune = (text: string): string => `U+${(text.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')} '${text}'`

/** libp2p takes longer to load than everything else together: only for those who need it. */
async function libp2pOpener (secret: string): Promise<Pick<Parameters<typeof nodeTransport>[0], 'openStream'>> {
  const { libp2pHttpOpener } = await import('../../src/node/libp2p-http-client.ts')
  return { openStream: libp2pHttpOpener({ secret }) }
}

/** Tells every request on stderr. Credentials aren't among what is told. */
function talkative (transport: Transport, { terminal, clock }: ConnectDeps): Transport {
  return {
    request: async request => {
      const from = clock.elapsed()
      terminal.err(`DEBUG ${request.method} ${request.path}\n`)
      const response = await transport.request(request)
      terminal.err(`DEBUG ${response.status} after ${Math.round(clock.elapsed() - from)} ms\n`)
      return { ...response, body: told(response.body) }
    }
  }

  async function * told (body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    const decoder = new TextDecoder()
    for await (const chunk of body) {
      terminal.err(`DEBUG ${decoder.decode(chunk, { stream: true }).trimEnd()}\n`)
      yield chunk
    }
  }
}
