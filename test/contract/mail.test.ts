import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SMTPServer } from 'smtp-server'
import { isClusterError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/log.ts'
import { logMail } from '../../src/service/mail/log/log-mail.ts'
import { noMail } from '../../src/service/mail/no-mail.ts'
import { smtpMail } from '../../src/service/mail/smtp/smtp-mail.ts'
import { NotedLogger } from '../support/noted-logger.ts'
import { mailContract } from './mail.ts'

mailContract('log', async () => {
  const log = new NotedLogger()
  return {
    mail: logMail({ log }),
    received: () => log.lines.map(({ facts }) => facts as { to: string, subject: string, text: string }),
    close: async () => {}
  }
})

interface Received { to: string, subject: string, text: string }

/** A mail server on 127.0.0.1 that takes letters for everybody but `nobody@…`. */
class TestSmtp {
  readonly received: Received[] = []
  port = 0
  #server: SMTPServer | undefined

  async listen (): Promise<void> {
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
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

const smtpWorld = async () => {
  const server = new TestSmtp()
  await server.listen()
  const mail = smtpMail({ url: `smtp://127.0.0.1:${server.port}`, from: 'service@example.com', timeoutMs: 5000 }, { log: silentLogger })
  return { mail, server }
}

mailContract('smtp', async () => {
  const { mail, server } = await smtpWorld()
  return {
    mail, received: () => server.received, away: async () => server.close(), back: async () => server.listen(),
    close: async () => server.close()
  }
})

describe('mail: smtp', () => {
  it('tells a receiver that is refused for good from a server that is away', async () => {
    const { mail, server } = await smtpWorld()

    await assert.rejects(mail.send({ to: 'nobody@example.com', subject: 's', text: 't' }), err => isClusterError(err, 'REJECTED'))

    await mail.stop()
    await server.close()
  })
})

describe('mail: none', () => {
  it('says that its operator has to set it up', async () => {
    const mail = noMail()

    assert.ok(!mail.canSend)
    for (const act of [mail.ready(), mail.send({ to: 'a@b', subject: '', text: '' })]) {
      await assert.rejects(act, err => isClusterError(err, 'NOT_READY') && err.details.configured === false)
    }
  })
})
