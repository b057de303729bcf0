import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isClusterError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/log.ts'
import { logMail } from '../../src/service/mail/log/log-mail.ts'
import { noMail } from '../../src/service/mail/no-mail.ts'
import { smtpMail } from '../../src/service/mail/smtp/smtp-mail.ts'
import { NotedLogger } from '../support/noted-logger.ts'
import { TestSmtp } from '../support/smtp-server.ts'
import { mailContract } from './mail.ts'

mailContract('log', async () => {
  const log = new NotedLogger()
  return {
    mail: logMail({ log }),
    received: () => log.lines.map(({ facts }) => facts as { to: string, subject: string, text: string }),
    close: async () => {}
  }
})

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
