import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseFixedNames } from '../../../src/node/folder/folder.ts'

describe('IPFS_NS_MAP', () => {
  it('is read as Kubo reads it', () => {
    assert.deepEqual([...parseFixedNames('')], [])
    assert.deepEqual(
      [...parseFixedNames('a.example:/ipfs/bafkqaaa/x:y,b.example:/ipns/a.example')],
      [['a.example', '/ipfs/bafkqaaa/x:y'], ['b.example', '/ipns/a.example']]
    )
  })

  it('stops the peer when an entry is none', () => {
    for (const text of ['a.example', 'a.example:', ':/ipfs/bafkqaaa', 'a.example:bafkqaaa', 'a.example:/ipfs/', 'a.example:/ipfs/bafkqaaa,']) {
      assert.throws(() => parseFixedNames(text), { code: 'INVALID_CONFIG' }, text)
    }
  })
})
