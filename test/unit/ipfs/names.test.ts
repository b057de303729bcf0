import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { followName, maxNameSteps } from '../../../src/ipfs/names.ts'
import { memoryNames } from '../../support/memory-names.ts'
import { busyMs } from '../../support/busy-time.ts'

describe('following names', () => {
  it('ends at the first /ipfs/ path and keeps what stood behind every name', async () => {
    const names = memoryNames({ 'a.example': '/ipns/b.example/x/', 'b.example': '/ipfs/bafkqaaa/y' })

    assert.deepEqual(await followName('/ipns/a.example/z', names), { value: '/ipfs/bafkqaaa/y/x/z', ttlSeconds: 60 })
  })

  it('keeps the shortest time to live, and none when one step has none', async () => {
    const names = memoryNames({ 'a.example': '/ipns/b.example' })
    names.targets.set('b.example', { value: '/ipfs/bafkqaaa', ttlSeconds: 7 })
    names.targets.set('c.example', { value: '/ipns/a.example', ttlSeconds: undefined })

    assert.equal((await followName('/ipns/a.example', names)).ttlSeconds, 7)
    assert.equal((await followName('/ipns/c.example', names)).ttlSeconds, undefined)
  })

  it('gives up names that lead in a circle, and values that are no paths', async () => {
    const names = memoryNames({ 'a.example': '/ipns/b.example', 'b.example': '/ipns/a.example', 'c.example': 'https://example.org' })

    await assert.rejects(followName('/ipns/a.example', names), { code: 'INVALID_DATA' })
    await assert.rejects(followName('/ipns/c.example', names), { code: 'INVALID_DATA' })
  })

  it('leaves slashes at the end of a value out, however many stand before it, in time that is linear', async () => {
    const slashes = '/'.repeat(60_000)
    const names = memoryNames({ 'a.example': `/ipfs/bafkqaaa${slashes}x${slashes}` })
    const begun = busyMs()

    assert.equal((await followName('/ipns/a.example/y', names)).value, `/ipfs/bafkqaaa${slashes}x/y`)
    assert.ok(busyMs() - begun < 500)
  })

  it('takes 32 steps, and no more', async () => {
    const chain = (steps: number) => memoryNames(
      Object.fromEntries(
        Array.from({ length: steps }, (_, at) => [`n${at}.example`, at + 1 === steps ? '/ipfs/bafkqaaa' : `/ipns/n${at + 1}.example`])
      )
    )

    assert.equal(maxNameSteps, 32)
    assert.equal((await followName('/ipns/n0.example', chain(32))).value, '/ipfs/bafkqaaa')
    await assert.rejects(
      followName('/ipns/n0.example', chain(33)), { code: 'INVALID_DATA', message: 'could not resolve name (recursion limit exceeded)' }
    )
  })

  it('leaves a path without a name as it is', async () => {
    assert.equal((await followName('/ipfs/bafkqaaa/x', memoryNames())).value, '/ipfs/bafkqaaa/x')
  })
})
