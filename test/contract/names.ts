import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { followName } from '../../src/ipfs/names.ts'
import type { NameResolver } from '../../src/ipfs/names.ts'
import { ipnsCid } from '../../src/model/ipns-name.ts'

/** What the resolver under test knows: one key with its record, and two domains. */
export interface KnownNames {
  /** Base58. */
  key: string
  record: Uint8Array
  /** Domain → its target. */
  domains: Record<string, string>
}

export interface NamesHarness { names: NameResolver, close (): Promise<void> }

export interface NamesKind {
  /** False: nobody here looks up domains. */
  looksUpDomains: boolean
}

interface RecordedKey { peer: string, id: string, records: Array<{ value: string, record: string }> }

const { keys }: { keys: RecordedKey[] } = JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/ipns/records.json'), 'utf8'))
const [{ peer: key, id, records: [{ record }] }, other] = keys as unknown as [
  { peer: string, id: string, records: [{ record: string }] }, RecordedKey
]

const known: KnownNames = {
  key,
  record: Uint8Array.from(Buffer.from(record, 'base64')),
  domains: { 'a.example': '/ipfs/bafkqaaa/x', 'b.example': '/ipns/a.example/y', 'c.example': '/ipfs/bafkqaaa/z' }
}

/** The promises of `NameResolver`. */
export function namesContract (
  name: string, open: (known: KnownNames) => Promise<NamesHarness>, { looksUpDomains }: NamesKind = { looksUpDomains: true }
): void {
  describe(`names contract: ${name}`, () => {
    let harness: NamesHarness
    let names: NameResolver

    before(async () => {
      harness = await open(known)
      names = harness.names
    })
    after(async () => { await harness.close() })

    it('resolves a key in every form of its name, with the TTL of its record', async () => {
      for (const form of [key, id, ipnsCid(key).toString()]) {
        assert.deepEqual(await names.resolveName(form), { value: '/ipfs/bafkqaaa', ttlSeconds: 300 }, form)
      }
    })

    it('gives the record as it was signed', async () => {
      const { bytes, ttlSeconds, validUntil } = await names.recordOf(id)

      assert.deepEqual(
        [Buffer.from(bytes).toString('base64'), ttlSeconds, new Date(validUntil).toISOString()], [record, 300, '2083-12-13T04:10:52.165Z']
      )
    })

    it('goes one step, and leaves the rest to who follows the name', { skip: !looksUpDomains }, async () => {
      assert.equal((await names.resolveName('b.example')).value, '/ipns/a.example/y')
      assert.equal((await followName('/ipns/b.example/z', names)).value, '/ipfs/bafkqaaa/x/y/z')
    })

    it('looks up what is here without asking anybody, and domains where only keys are local', async () => {
      assert.equal((await names.resolveName(key, { local: 'all' })).value, '/ipfs/bafkqaaa')
      assert.equal(Buffer.from((await names.recordOf(id, { local: 'all' })).bytes).toString('base64'), record)
      await assert.rejects(names.resolveName(other.id, { local: 'keys' }), { code: 'NOT_FOUND' })
      await assert.rejects(names.resolveName('c.example', { local: 'all' }), { code: 'NOT_FOUND' })
      if (looksUpDomains) assert.equal((await names.resolveName('c.example', { local: 'keys' })).value, '/ipfs/bafkqaaa/z')
    })

    it('tells what has no record from what is no name', async () => {
      await assert.rejects(names.resolveName(other.id), { code: 'NOT_FOUND' })
      await assert.rejects(names.recordOf(other.peer), { code: 'NOT_FOUND' })
      await assert.rejects(names.recordOf('a.example'), { code: 'INVALID_ARGUMENT' })
      if (looksUpDomains) await assert.rejects(names.resolveName('none.example'), { code: 'NOT_FOUND' })
      await assert.rejects(names.resolveName('a..b'), { code: 'INVALID_ARGUMENT' })
    })

    it('rejects with the reason of who no longer waits', async () => {
      const signal = AbortSignal.abort(new Error('gone'))

      for (const call of [
        names.resolveName(other.id, { signal }), names.recordOf(other.id, { signal }), names.resolveName('a.example', { signal })
      ]) await assert.rejects(call, /gone/)
    })
  })
}
