import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { describe, it } from 'node:test'
import { text } from 'node:stream/consumers'
import { freePorts } from '../../support/free-ports.ts'

const others = 3
const each = 60
const source = new URL('../../support/free-ports.ts', import.meta.url).href
/** Tells its ports, and keeps them until it may end. */
const program = `
  const { freePorts } = await import(${JSON.stringify(source)})
  console.log(JSON.stringify(await freePorts(${each})))
  process.stdin.resume()
`

describe('free ports', () => {
  it('are never the same for two, in whatever process', { skip: process.platform !== 'linux' }, async () => {
    const processes = Array.from({ length: others }, () => spawn(process.execPath, ['--input-type=module', '-e', program]))
    const told = processes.map(async ({ stdout }) => JSON.parse(String((await once(stdout, 'data'))[0])) as number[])
    const own = [await freePorts(each), await freePorts(each)]

    const ports = [...own, ...await Promise.all(told)].flat()
    for (const { stdin } of processes) stdin.end()
    await Promise.all(processes.map(async ({ stderr }) => assert.equal(await text(stderr), '')))

    assert.equal(new Set(ports).size, each * (others + 2))
  })

  it('are free: one on which somebody listens is left out', async () => {
    const [port = 0] = await freePorts(1)
    const taken = createServer().listen(port + 1, '127.0.0.1')
    // by us, or by somebody else
    await Promise.race([once(taken, 'listening'), new Promise(resolve => taken.once('error', resolve))])

    const next = await freePorts(20)
    taken.close()
    const socket = connect(next[0] ?? 0, '127.0.0.1')
    const [fault] = await once(socket, 'error')

    assert.ok(!next.includes(port + 1))
    assert.equal(fault.code, 'ECONNREFUSED')
  })
})
