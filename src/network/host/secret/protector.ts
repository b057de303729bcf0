import { randomBytes } from 'node:crypto'
import type { AbortOptions, ComponentLogger, ConnectionProtector, Logger, MultiaddrConnection } from '@libp2p/interface'
import { AbstractMultiaddrConnection, byteStream } from '@libp2p/utils'
import type { SendResult } from '@libp2p/utils'
import { ClusterError } from '../../../base/errors.ts'
import type { Logger as ClusterLogger } from '../../../base/log.ts'
import { XSalsa20 } from './xsalsa20.ts'

const nonceBytes = 24
/**
 * What is ciphered and written at a time: a whole message of noise (65,535 bytes and its length), small enough that nothing waits long
 * behind it.
 */
const windowBytes = 2 * 65_537

/**
 * The protector of a private network (go-libp2p's pnet): right after connecting each side sends a nonce, and everything that follows is
 * under XSalsa20(secret, sender's nonce). `secret` is 64 hexadecimal digits; throws INVALID_CONFIG for others. Who has another secret sends
 * what looks like noise, or hears noise and hangs up: both is said by a warning.
 */
export function clusterProtector (secret: string, { log }: {
  log: Pick<ClusterLogger, 'warn'>
}): (components: { logger: ComponentLogger }) => ConnectionProtector {
  if (!/^[0-9a-f]{64}$/i.test(secret)) {
    throw new ClusterError('INVALID_CONFIG', {}, { message: 'the cluster secret must be 64 hexadecimal digits' })
  }
  const key = Buffer.from(secret, 'hex')
  // the interface says any message stream; libp2p protects connections only
  return () => ({
    protect: async (connection, options) => protect(connection as MultiaddrConnection, { key, log, options }) as Promise<never>
  })
}

interface Protecting { key: Uint8Array, log: Pick<ClusterLogger, 'warn'>, options: AbortOptions | undefined }

async function protect (connection: MultiaddrConnection, { key, log, options = {} }: Protecting): Promise<MultiaddrConnection> {
  const bytes = byteStream(connection)
  const ours = randomBytes(nonceBytes)
  const [theirs] = await Promise.all([bytes.read({ bytes: nonceBytes, ...options }), bytes.write(ours, options)])
  bytes.unwrap()
  return new SecretConnection(connection, {
    log: connection.log.newScope('pnet'), tell: log, sending: new XSalsa20(key, ours), receiving: new XSalsa20(key, theirs.subarray())
  })
}

/** libp2p says of a reset that came from the other side that it is our own. */
const isReset = (err: Error | undefined): boolean => (err as NodeJS.ErrnoException | undefined)?.code === 'ECONNRESET'

/** What every peer of libp2p says first: multistream-select's header, after its length. */
const greeting = Buffer.from('\x13/multistream/1.0.0\n')
const isGreeting = (bytes: Uint8Array): boolean => greeting.subarray(0, bytes.length).equals(bytes.subarray(0, greeting.length))

/** A connection whose bytes are ciphered on their way out and in. */
class SecretConnection extends AbstractMultiaddrConnection {
  readonly #inner: MultiaddrConnection
  readonly #sending: XSalsa20

  constructor (inner: MultiaddrConnection, init: {
    log: Logger, tell: Pick<ClusterLogger, 'warn'>, sending: XSalsa20, receiving: XSalsa20
  }) {
    super({ remoteAddr: inner.remoteAddr, direction: inner.direction, log: init.log, maxMessageSize: windowBytes })
    this.#inner = inner
    this.#sending = init.sending
    const address = inner.remoteAddr.toString()
    // the port of somebody who dials is another one each time
    const from = inner.direction === 'inbound' ? address.replace(/\/tcp\/.*/, '') : address
    let isFirst = true
    inner.addEventListener('message', ({ data }) => {
      // what a socket read is nobody else's: deciphered where it lies, so that it is not copied
      for (const piece of data instanceof Uint8Array ? [data] : data) {
        init.receiving.xorInto(piece, piece, 0)
        if (isFirst && !isGreeting(piece)) {
          init.tell.warn(
            'a connection makes no sense: the other side has another cluster secret (`cluster.secret` in service.json), or is no peer of a cluster',
            { from }
          )
          // at once, so that the other side doesn't wait for an answer
          return inner.abort(new Error('the other side has another cluster secret'))
        }
        isFirst = false
        this.onData(piece)
      }
    })
    inner.addEventListener('drain', () => this.onMuxerDrain())
    inner.addEventListener('close', event => {
      if (isFirst && inner.direction === 'outbound' && (event.local !== true || isReset(event.error))) {
        init.tell.warn(
          'the other side hung up at the first bytes: its cluster secret may be another one (`cluster.secret` in service.json)', { from }
        )
      }
      if (event.error == null) this.onTransportClosed()
      else if (event.local === true) this.abort(event.error)
      else this.onRemoteReset()
    })
  }

  async sendClose (options?: AbortOptions): Promise<void> { await this.#inner.close(options) }
  /** The pieces are joined by ciphering them into one. */
  sendData (data: Iterable<Uint8Array> & { byteLength: number }): SendResult {
    const output = Buffer.allocUnsafe(data.byteLength)
    let at = 0
    for (const piece of data) {
      this.#sending.xorInto(piece, output, at)
      at += piece.length
    }
    return { sentBytes: output.length, canSendMore: this.#inner.send(output) }
  }

  sendReset (err: Error): void { this.#inner.abort(err) }
  sendPause (): void { this.#inner.pause() }
  sendResume (): void { this.#inner.resume() }
}
