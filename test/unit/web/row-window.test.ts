import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as settled } from 'node:timers/promises'
import { RowWindow } from '../../../src/web/pages/files/list/row-window.ts'

interface Asked { offset: number, total: boolean, answer: (rows?: number[]) => void, fail: () => void, signal: AbortSignal }

/** A list of `count` numbers, whose pages come when a test says so. */
function windowOn (count: number, { pageRows = 10, keptPages = 3 } = {}) {
  const asked: Asked[] = []
  let drawn = 0
  const window = new RowWindow<number>({
    pageRows,
    keptPages,
    load: async ({ offset, limit, total }, signal) => new Promise((resolve, reject) => {
      const all = Array.from({ length: Math.max(0, Math.min(limit, count - offset)) }, (_, at) => offset + at)
      signal.addEventListener('abort', () => reject(signal.reason as Error))
      asked.push({
        offset, total, signal, answer: (rows = all) => resolve({ rows, total: total ? count : undefined }),
        fail: () => reject(new Error('away'))
      })
    }),
    changed: () => { drawn++ }
  })
  const answerAll = async (): Promise<void> => {
    for (const one of asked.splice(0)) one.answer()
    await settled()
  }
  return { window, asked, answerAll, drawn: () => drawn }
}

describe('a window on rows', () => {
  it('asks for what is looked at, once, and for the number of all with the first', async () => {
    const { window, asked, answerAll } = windowOn(95)

    window.show(0, 12)
    window.show(0, 12)
    assert.deepEqual(asked.map(({ offset, total }) => [offset, total]), [[0, true], [10, false]])
    await answerAll()
    window.show(0, 12)

    assert.deepEqual([window.total, window.row(0), window.row(12), window.row(20), asked.length], [95, 0, 12, undefined, 0])
  })

  it('is entered anywhere, and never asks behind the end', async () => {
    const { window, asked, answerAll } = windowOn(95)
    window.show(0, 5)
    await answerAll()

    window.show(88, 130)

    assert.deepEqual(asked.map(({ offset }) => offset), [80, 90])
    await answerAll()
    assert.deepEqual([window.row(94), window.row(95)], [94, undefined])
  })

  it('leaves what one has scrolled past', async () => {
    const { window, asked } = windowOn(1000)
    window.show(0, 5)
    const [first] = asked

    window.show(500, 510)

    assert.equal(first?.signal.aborted, true)
    assert.deepEqual(asked.map(({ offset }) => offset), [0, 500, 510])
  })

  it('keeps so many pages, those that were looked at last', async () => {
    const { window, answerAll } = windowOn(1000)
    for (const at of [0, 100, 200, 300]) {
      window.show(at, at + 5)
      await answerAll()
    }
    window.show(300, 305)

    assert.deepEqual([window.row(0), window.row(300)], [undefined, 300])
  })

  it('shows what it has until it is there anew', async () => {
    const { window, asked, answerAll } = windowOn(20)
    window.show(0, 5)
    await answerAll()

    window.refresh()
    assert.deepEqual([window.row(3), asked.length], [3, 1])
    asked[0]?.answer([7, 7, 7, 7])
    await settled()

    assert.equal(window.row(3), 7)
  })

  it('asks no more after an error, until somebody wants it to', async () => {
    const { window, asked } = windowOn(20)
    window.show(0, 5)
    asked.splice(0)[0]?.fail()
    await settled()

    window.show(0, 5)
    assert.deepEqual([window.error?.message, asked.length], ['away', 0])
    window.refresh()
    assert.deepEqual([window.error, asked.length, asked[0]?.total], [null, 1, true])
  })
})
