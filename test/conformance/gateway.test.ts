import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { freePorts } from '../support/free-ports.ts'
import { peerProcess } from '../support/peer-process.ts'
import type { PeerProcess } from '../support/peer-process.ts'
import { fixtures, runSuite, whySkipped } from './suite.ts'
import type { Fixtures } from './suite.ts'

const skipped = await whySkipped()

/**
 * `npm run test:conformance`: the field's public suite against a peer of its own, which fetches nothing. Once served by its main thread,
 * once by two others.
 */
for (const workers of [0, 2]) describe(`the public gateway suite, workers ${workers}`, { skip: skipped ?? false, timeout: 600_000 }, () => {
  let peer: PeerProcess
  let given: Fixtures
  let proxy = ''

  before(async () => {
    given = await fixtures()
    process.env.IPFS_NS_MAP = given.nameMap
    const [port = 0] = await freePorts(1)
    proxy = `http://127.0.0.1:${port}/api/v0`
    peer = await peerProcess(json => {
      json.api.ipfsproxy = { listen_multiaddress: `/ip4/127.0.0.1/tcp/${port}` }
      json.api.gateway = { ...json.api.gateway, no_fetch: true, workers }
    })
    await peer.start()
    for (const car of given.cars) await upload(`dag/import?pin-roots=false`, car)
    for (const record of given.records) {
      await upload(`routing/put?allow-offline=true&arg=${encodeURIComponent(`/ipns/${keyOf(record)}`)}`, record)
    }
  })

  after(async () => {
    await peer?.remove()
    await given?.remove()
  })

  it('passes as Kubo does', async () => {
    const { run, passed, failed } = await runSuite({
      url: peer.gateway, subdomainUrl: peer.gateway.replace('127.0.0.1', 'localhost'), folder: given.folder,
      ...(process.env.SPECS == null ? {} : { specs: process.env.SPECS })
    })

    console.log(`${passed} of ${run} passed with workers ${workers}`)
    assert.deepEqual(failed, [])
  })

  async function upload (command: string, file: string): Promise<void> {
    const form = new FormData()
    form.append('file', new Blob([await readFile(file)]), basename(file))
    const response = await fetch(`${proxy}/${command}`, { method: 'POST', body: form })
    const text = await response.text()
    if (response.status !== 200 && !text.includes('signature') && process.env.STRICT != null) throw new Error(`${command}: ${text}`)
  }
})

/** `k51….ipns-record`, perhaps with what is special about it behind the key. */
const keyOf = (file: string): string => basename(file).replace(/[._].*$/, '')
