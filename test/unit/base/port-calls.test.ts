import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { ClusterError } from '../../../src/base/errors.ts'
import { Moved, PortCalls } from '../../../src/base/port-calls.ts'
import type { CallPort, PortService } from '../../../src/base/port-calls.ts'
import { quietMs } from '../../support/poll.ts'

const open: MessagePort[] = []

/** The caller's end, and that of who answers. */
function pair (service: Partial<PortService>): { caller: PortCalls, answerer: PortCalls } {
  const { port1, port2 } = new MessageChannel()
  open.push(port1)
  const end = (port: MessagePort, own: Partial<PortService>): PortCalls =>
    new PortCalls(port as unknown as CallPort, { calls: {}, notes: {}, ...own })
  return { caller: end(port1, {}), answerer: end(port2, service) }
}

describe('calls between threads', { timeout: quietMs(5000) }, () => {
  afterEach(() => { for (const port of open.splice(0)) port.close() })

  it('give what the other end answers, late or at once', async () => {
    const { caller } = pair({ calls: { twice: (n: number) => 2 * n, later: async (text: string) => `${text}!` } })

    assert.deepEqual(await Promise.all([caller.call('twice', 4), caller.call('later', 'so')]), [8, 'so!'])
  })

  it('keep code, facts and text of errors', async () => {
    const { caller } = pair({
      calls: {
        fail: () => { throw new ClusterError('NO_PROVIDER', { tries: 3 }, { message: 'nobody' }) },
        break: () => { throw new TypeError('oh') }
      }
    })

    await assert.rejects(caller.call('fail', undefined), { code: 'NO_PROVIDER', details: { tries: 3 }, message: 'nobody' })
    await assert.rejects(
      caller.call('break', undefined), err => err instanceof Error && err.message === 'oh' && /port-calls\.test/.test(err.stack ?? '')
    )
    await assert.rejects(caller.call('unknown', undefined), { code: 'UNSUPPORTED' })
  })

  it('reject with the reason when they are aborted, and whoever answers hears of it', async () => {
    const begun = Promise.withResolvers<AbortSignal>()
    const { caller } = pair({
      calls: {
        wait: async (_args: undefined, { signal }: { signal: AbortSignal }) => { begun.resolve(signal); await new Promise(() => {}) }
      }
    })
    const abort = new AbortController()
    const call = caller.call('wait', undefined, { signal: abort.signal })
    const signal = await begun.promise

    abort.abort(new Error('gone'))

    await assert.rejects(call, /gone/)
    if (!signal.aborted) await new Promise(resolve => signal.addEventListener('abort', resolve))
    await assert.rejects(caller.call('wait', undefined, { signal: abort.signal }), /gone/)
  })

  it('take notes in the order of calls', async () => {
    const seen: unknown[] = []
    const { caller } = pair({ calls: { ask: () => { seen.push('asked') } }, notes: { told: (value: string) => { seen.push(value) } } })

    caller.tell('told', 'before')
    const asked = caller.call('ask', undefined)
    caller.tell('told', 'after')
    caller.tell('nothing', 1)
    await asked
    await caller.call('ask', undefined)

    assert.deepEqual(seen, ['before', 'asked', 'after', 'asked'])
  })

  it('hand memory over', async () => {
    const bytes = new Uint8Array(1000).fill(7)
    const { caller } = pair({ calls: { bytes: () => new Moved(bytes, [bytes.buffer]) } })

    assert.equal((await caller.call<Uint8Array>('bytes', undefined))[999], 7)
    assert.equal(bytes.length, 0)
  })

  it('end with the thread', async () => {
    const { caller, answerer } = pair({ calls: { wait: async () => new Promise(() => {}) } })
    const call = caller.call('wait', undefined)

    caller.end(new Error('it ended'))
    answerer.end(new Error('it ended'))

    await assert.rejects(call, /it ended/)
    await assert.rejects(caller.call('wait', undefined), /it ended/)
  })
})
