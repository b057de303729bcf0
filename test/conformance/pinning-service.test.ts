import assert from 'node:assert/strict'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { ServicePeer } from '../support/service-peer.ts'
import { anyEmail, servicePeer } from '../support/service-peer.ts'
import { run } from './suite.ts'

/** Where `npm i --prefix FOLDER @ipfs-shipyard/pinning-service-compliance@1.8.1` has put the public suite of pinning services. */
const folder = process.env['PINNING_COMPLIANCE'] ?? ''
const program = join(folder, 'node_modules/@ipfs-shipyard/pinning-service-compliance/dist/src/index.js')
const skip = folder === '' || await access(program).then(() => false, () => true)

describe('the public suite of pinning services', {
  skip: skip ? 'the suite is not in the folder $PINNING_COMPLIANCE' : false, timeout: 180_000
}, () => {
  let peer: ServicePeer

  before(async () => {
    peer = await servicePeer({ registration: 'open', pinning: { strict: true } })
    await peer.start()
  })
  after(async () => {
    await peer.remove()
  })

  it('reports nothing but success for /api/pinning', async () => {
    const key = await peer.register(anyEmail())

    const { status, output } = await run(process.execPath, [program, '-s', `${peer.service}/api/pinning`, key])

    assert.equal(status, 0, output)
    // "Summary (9/9 successful)", and one line for each check
    const [, passed, all] = /Summary \((\d+)\/(\d+) successful\)/.exec(output) ?? []
    assert.ok(passed != null && passed === all && !output.includes('❌') && !output.includes('⚠️'), output)
  })
})
