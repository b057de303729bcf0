import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePorts } from '../support/free-ports.ts'
import { peerProcess } from '../support/peer-process.ts'
import type { PeerProcess } from '../support/peer-process.ts'
import { programFile } from '../support/programs.ts'
import { pollUntil, quietMs } from '../support/poll.ts'
import { serviceReady } from '../support/service-peer.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')

/**
 * The guide, line by line: its section of service.json and its commands, as a newcomer types them. What it says to copy is copied from the
 * answers.
 */
describe('the guide to a service in ten minutes', { timeout: quietMs(60_000) }, () => {
  let peer: PeerProcess
  let folder: string
  let port: number
  let steps: Map<string, string[]>

  before(async () => {
    const text = await readFile(join(root, 'docs/guide/service-in-ten-minutes.md'), 'utf8')
    steps = new Map(
      text.split(/^## /m).slice(1).map(
        step => [step.slice(0, 1), [...step.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, script = '']) => script)]
      )
    )
    const section = JSON.parse(/^ +"service": (.*),$/m.exec(text)?.[1] ?? assert.fail('the guide has no section'))
    const [free = 0] = await freePorts(1)
    port = free
    folder = await mkdtemp(join(tmpdir(), 'helia-cluster-guide-'))
    const shim = join(folder, 'bin/node')
    await mkdir(dirname(shim))
    // the guide's program is the built one, its folder is here ./pinning
    await writeFile(shim, `#!/bin/sh\nshift 3\nexec "${process.execPath}" "${programFile('service')}" -c "$PEER" "$@"\n`)
    await chmod(shim, 0o755)
    peer = await peerProcess(json => { json.api.service = { ...section, http_listen_multiaddress: `/ip4/127.0.0.1/tcp/${port}` } })
    await peer.start()
    await serviceReady(`http://127.0.0.1:${port}`)
  }, { timeout: quietMs(60_000) })

  after(async () => {
    await peer?.remove()
    await rm(folder, { recursive: true, force: true })
  })

  /** One block of a step, with what the reader has copied. */
  async function run (step: string, block: number, copied: Record<string, string> = {}): Promise<string> {
    const script = (
      steps.get(step)?.[block] ?? assert.fail(`step ${step} has no block ${block}`)
    ).replaceAll('127.0.0.1:9099', `127.0.0.1:${port}`)
    const filled = Object.entries(copied).reduce((text, [placeholder, value]) => {
      assert.ok(text.includes(placeholder), `step ${step} says ${placeholder}`)
      return text.replaceAll(placeholder, value)
    }, script)
    const { stdout } = await promisify(execFile)('sh', ['-eu', '-c', filled], {
      cwd: folder, env: { ...process.env, PEER: peer.folder, PATH: `${join(folder, 'bin')}:${process.env.PATH}` }
    })
    return stdout
  }

  it('leads from a fresh peer to files, a renewed key and users', async () => {
    const registered = JSON.parse(await run('3', 0))
    assert.deepEqual(
      [registered.status, registered.message, registered.data.email], [201, 'User registered successfully', 'user@example.com']
    )
    const key = registered.data.api_key as string
    const keyLine = `KEY=${key}\n`
    assert.equal(JSON.parse(await run('3', 1, { 'ak_…': key })).data.email, 'user@example.com')

    steps.set('4', steps.get('4')!.map(script => keyLine + script))
    const uploaded = JSON.parse(await run('4', 0))
    assert.equal(uploaded.message, 'File uploaded successfully')
    const reads = await run('4', 1, { 'bafkrei…': uploaded.data.cid })
    assert.match(reads, /^hello\nhello\n\{"status":200,"data":\[\{"cid":"bafkrei/)

    assert.equal(JSON.parse(await run('6', 0)).message, 'Verification code sent to email')
    await pollUntil(() => /Your verification code is \d{6}/.test(peer.log()), { what: 'the code in the log' })
    const code = /Your verification code is (\d{6})/.exec(peer.log())?.[1] ?? ''
    const renewed = JSON.parse(await run('6', 1, { 123456: code }))
    assert.equal(renewed.message, 'API key renewed successfully')
    assert.equal((await fetch(`http://127.0.0.1:${port}/api/v1/users/status`, { headers: { 'x-api-key': key } })).status, 403)

    const users = await run('7', 0)
    assert.match(users, /^\S{22}\nak_\w{32}\n/)
    assert.match(users, /admin@example\.com +admin +active/)
    assert.match(users, /user@example\.com +user +active +6 +1073741824/)
    assert.equal(
      (await fetch(`http://127.0.0.1:${port}/api/v1/users/status`, { headers: { 'x-api-key': renewed.data.api_key } })).status, 200
    )
  })
})
