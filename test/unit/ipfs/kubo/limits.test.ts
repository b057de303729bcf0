import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { ServerResponse } from 'node:http'
import { systemClock } from '../../../../src/base/system.ts'
import { kuboAddress } from '../../../../src/ipfs/kubo/address.ts'
import { KuboRpc } from '../../../../src/ipfs/kubo/rpc.ts'
import { fakeKubo, type FakeAnswer, type FakeKubo } from '../../../support/fake-kubo.ts'
import { quietMs } from '../../../support/poll.ts'

const MiB = 1024 * 1024
const options = { timeoutMs: 0 }

/** Writes `piece` again and again, as fast as it is taken, until so many bytes are written or the other side has gone. */
function pour (response: ServerResponse, { piece, sizeBytes, sent }: { piece: Buffer, sizeBytes: number, sent: { bytes: number } }): void {
  const more = (): void => {
    while (sent.bytes < sizeBytes) {
      const part = piece.subarray(0, Math.min(piece.length, sizeBytes - sent.bytes))
      sent.bytes += part.length
      if (!response.write(part)) return void response.once('drain', more)
    }
    response.end()
  }
  more()
}

describe('what an external Kubo may answer', { timeout: quietMs(20_000) }, () => {
  let kubo: FakeKubo
  let rpc: KuboRpc

  const start = async (answer: (call: string) => FakeAnswer): Promise<void> => {
    kubo = await fakeKubo(answer)
    rpc = new KuboRpc({ address: kuboAddress(kubo.api), agentVersion: 'test' }, { clock: systemClock })
  }
  /** An answer of so many bytes of one letter. */
  const poured = (sizeBytes: number, status = 200): { answer: FakeAnswer, sent: { bytes: number } } => {
    const sent = { bytes: 0 }
    return {
      sent, answer: (_request, response) => pour(response.writeHead(status), { piece: Buffer.alloc(256 * 1024, 'x'), sizeBytes, sent })
    }
  }
  const linesOf = async (path: string): Promise<unknown[]> => {
    const values: unknown[] = []
    for await (const some of rpc.lines(path, options)) values.push(...some)
    return values
  }

  afterEach(async () => {
    rpc.stop(new Error('over'))
    await kubo.close()
  })

  it('a block, or a list in one piece, has 64 MiB; one byte more is refused, and no more than that is read of it', async () => {
    const sizes: Record<string, ReturnType<typeof poured>> = {
      most: poured(64 * MiB), more: poured(64 * MiB + 1), endless: poured(1024 * MiB)
    }
    await start(call => sizes[call]?.answer ?? null)
    const tooLong = (path: string): object => ({ code: 'IPFS_ERROR', message: `IPFS error (${path}): the answer is too long` })

    assert.equal((await rpc.bytes('most', options)).length, 64 * MiB)
    await assert.rejects(rpc.bytes('more', options), tooLong('more'))
    await assert.rejects(rpc.bytes('endless', options), tooLong('endless'))
    // what is in the system's buffers comes on top
    assert.ok((sizes['endless']?.sent.bytes ?? 0) < 96 * MiB, `${sizes['endless']?.sent.bytes} bytes were taken`)
  })

  it('a line has 4 MiB, whether its end comes or not', async () => {
    const lineOf = (length: number): string => `"${'x'.repeat(length - 2)}"`
    const bodies: Record<string, string> = {
      most: `1\n${lineOf(4 * MiB)}\n2\n`, last: lineOf(4 * MiB), more: `1\n${lineOf(4 * MiB + 1)}\n2\n`, lastMore: lineOf(4 * MiB + 1)
    }
    const endless = poured(1024 * MiB)
    await start(call => call === 'endless' ? endless.answer : { body: bodies[call] ?? '' })
    const tooLong = (path: string): object => ({ code: 'IPFS_ERROR', message: `IPFS error (${path}): a line of the answer is too long` })

    assert.deepEqual((await linesOf('most')).map(value => String(value).length), [1, 4 * MiB - 2, 1])
    assert.equal((await linesOf('last')).length, 1)
    for (const path of ['more', 'lastMore', 'endless']) await assert.rejects(linesOf(path), tooLong(path), path)
    assert.ok(endless.sent.bytes < 36 * MiB, `${endless.sent.bytes} bytes were taken`)
  })

  it('of the text of an error 64 KiB are kept, and the rest is not read', async () => {
    const [most, endless] = [poured(64 * 1024, 500), poured(1024 * MiB, 500)]
    await start(
      call => call === 'most' ? most.answer : call === 'endless' ? endless.answer : { status: 500, body: `${'x'.repeat(64 * 1024 - 1)}äö` }
    )
    const textOf = async (path: string): Promise<string> => rpc.bytes(path, options).then(
      () => '', (err: Error) => err.message.slice(`IPFS request failed (is it running?) (${path}). Code 500: `.length)
    )

    assert.equal(await textOf('most'), 'x'.repeat(64 * 1024))
    assert.equal(await textOf('more'), `${'x'.repeat(64 * 1024 - 1)}ä`)
    assert.equal(await textOf('endless'), 'x'.repeat(64 * 1024))
    assert.ok(endless.sent.bytes < 36 * MiB, `${endless.sent.bytes} bytes were taken`)
  })
})
