import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressOf, contentLinkOf, textOfLink } from '../../../src/web/pages/files/retrieve/content-link.ts'

const cid = 'bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi'
const v0 = 'QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n'

describe('a link to content', () => {
  it('is a CID, a path, an address of IPFS, or of any gateway', () => {
    const same = [
      `${cid}/a/b`, `/ipfs/${cid}/a/b`, `ipfs/${cid}/a//b/`, `ipfs://${cid}/a/b`, `ipfs:/${cid}/a/b?x=1#y`,
      `https://ipfs.io/ipfs/${cid}/a/b?download=true`, `http://127.0.0.1:9099/api/gateway/${cid}/a/b`,
      `https://${cid}.ipfs.dweb.link/a/b`, `  ${cid}/a/b\n`
    ]

    for (const text of same) assert.deepEqual(contentLinkOf(text), { namespace: 'ipfs', root: cid, path: ['a', 'b'] }, text)
    assert.deepEqual(contentLinkOf(v0), { namespace: 'ipfs', root: v0, path: [] })
  })

  it('keeps names as they are meant', () => {
    const link = contentLinkOf(`https://ipfs.io/ipfs/${cid}/a%20%26%20%3Cb%3E/100%25%20%D7%A9`)

    assert.deepEqual(link?.path, ['a & <b>', '100% ש'])
    assert.equal(link == null ? '' : addressOf(link), `${cid}/a%20%26%20%3Cb%3E/100%25%20%D7%A9`)
    assert.deepEqual(contentLinkOf(link == null ? '' : textOfLink(link)), link)
  })

  it('may be a name', () => {
    assert.deepEqual(contentLinkOf('ipns://docs.ipfs.tech/install'), { namespace: 'ipns', root: 'docs.ipfs.tech', path: ['install'] })
    assert.deepEqual(contentLinkOf('/ipns/docs.ipfs.tech'), { namespace: 'ipns', root: 'docs.ipfs.tech', path: [] })
  })

  it('is nothing else', () => {
    for (const text of [
      '', 'hello', 'https://example.com/page', `https://ipfs.io/ipfs/${cid}/../../secret`.replace('..', '%2e%2e'), `${cid}/../x`,
      'javascript:alert(1)', 'ipfs://', '/ipfs/'
    ]) {
      const link = contentLinkOf(text)
      assert.ok(link == null || !link.path.includes('..'), text)
      if (!text.includes(cid)) assert.equal(link, null, text)
    }
  })
})
