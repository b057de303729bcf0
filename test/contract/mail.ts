import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isClusterError } from '../../src/base/errors.ts'
import type { Mail } from '../../src/service/mail/mail.ts'

/** A way to send, and what came through it. */
export interface MailWorld {
  mail: Mail
  received (): ReadonlyArray<{ to: string, subject: string, text: string }>
  /** The other side is away until `back`; undefined where there is no other side. */
  away?: () => Promise<void>
  back?: () => Promise<void>
  close (): Promise<void>
}

const letter = { to: 'user@example.com', subject: 'A code', text: 'Your verification code is 123456\n\nUse it soon.\n' }

export function mailContract (name: string, open: () => Promise<MailWorld>): void {
  describe(`mail: ${name}`, () => {
    const within = async (act: (world: MailWorld) => Promise<void>): Promise<void> => {
      const world = await open()
      await world.mail.start(new AbortController().signal)
      try {
        await act(world)
      } finally {
        await world.mail.stop()
        await world.close()
      }
    }

    it('brings a letter to its receiver as it was written', async () => within(async ({ mail, received }) => {
      await mail.ready()
      await mail.send(letter)

      assert.deepEqual(received(), [letter])
      assert.ok(mail.canSend)
    }))

    it('brings text of any language', async () => within(async ({ mail, received }) => {
      const wanted = { to: 'user@example.com', subject: 'Überraschung 🎉', text: `${'ein langer Satz mit ß '.repeat(20)}\n.\nEnde\n` }

      await mail.send(wanted)

      assert.deepEqual(received(), [wanted])
    }))

    it('sends to one receiver, whatever an address holds', async () => within(async ({ mail, received }) => {
      await mail.send({ ...letter, to: 'user@example.com, other@example.com' }).catch(() => {})

      assert.ok(received().every(({ to }) => to !== 'other@example.com' && to !== 'user@example.com'))
    }))

    it('stops at once when it is told to before', async () => within(async ({ mail, received }) => {
      const reason = new Error('enough')

      await assert.rejects(mail.send(letter, { signal: AbortSignal.abort(reason) }), reason)
      assert.deepEqual(received(), [])
    }))

    it('says that it is not ready while the server is away, and goes on afterwards', async () =>
      within(async ({ mail, received, away, back }) => {
      if (away == null || back == null) return
      await away()
      await assert.rejects(mail.ready(), err => isClusterError(err, 'NOT_READY'))
      await assert.rejects(mail.send(letter), err => isClusterError(err, 'NOT_READY'))

      await back()
      await mail.ready()
      await mail.send(letter)

      assert.deepEqual(received(), [letter])
    }))
  })
}
