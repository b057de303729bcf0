import { SMTPServer } from 'smtp-server'

export interface Received { to: string, subject: string, text: string }

/** A mail server on 127.0.0.1 that takes letters for everybody but `nobody@…`. */
export class TestSmtp {
  readonly received: Received[] = []
  /** Lets clients in and takes no letter from them, for now. */
  isFull = false
  port = 0
  #server: SMTPServer | undefined

  async listen (): Promise<void> {
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onMailFrom: (_address, _session, done) => {
        done(this.isFull ? Object.assign(new Error('try again later'), { responseCode: 451 }) : null)
      },
      onRcptTo: ({ address }, _session, done) =>
        done(address.startsWith('nobody@') ? Object.assign(new Error('no such mailbox'), { responseCode: 550 }) : null),
      onData: (stream, { envelope }, done) => {
        Array.fromAsync(stream as AsyncIterable<Buffer>).then(chunks => {
          this.received.push(letterOf(Buffer.concat(chunks).toString('latin1'), envelope.rcptTo.map(({ address }) => address).join(' ')))
          done()
        }, done)
      }
    })
    server.on('error', () => {})
    await new Promise<void>(resolve => server.listen(this.port, '127.0.0.1', resolve))
    this.port = (server.server.address() as { port: number }).port
    this.#server = server
  }

  async close (): Promise<void> {
    await new Promise<void>(resolve => this.#server == null ? resolve() : this.#server.close(() => resolve()))
  }
}

/** Enough of MIME for what is sent here: one part of text, quoted-printable, base64 or plain. */
function letterOf (raw: string, to: string): Received {
  const [head = '', ...rest] = raw.split('\r\n\r\n')
  const header = (name: string): string => new RegExp(`^${name}: (.*(?:\\r\\n[ \\t].*)*)`, 'im').exec(head)?.[1] ?? ''
  const body = rest.join('\r\n\r\n')
  return {
    to, subject: decodedWords(header('Subject')), text: decodedBody(body, header('Content-Transfer-Encoding')).replaceAll('\r\n', '\n')
  }
}

const decodedWords = (text: string): string =>
  text.replaceAll(/\?=\s+=\?/g, '?==?').replaceAll(/=\?UTF-8\?([QB])\?(.*?)\?=/gi, (_all, kind: string, word: string) =>
  kind.toUpperCase() === 'B' ? Buffer.from(word, 'base64').toString() : quoted(word.replaceAll('_', ' ')))

const quoted = (text: string): string => Buffer.from(
  text.replaceAll(/=\r\n/g, '').replaceAll(/=([\dA-F]{2})/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16))), 'latin1'
).toString()

const decodedBody = (text: string, encoding: string): string =>
  encoding === 'base64' ? Buffer.from(text, 'base64').toString() : encoding === 'quoted-printable' ? quoted(text) : text
