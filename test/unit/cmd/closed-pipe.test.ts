import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { text } from 'node:stream/consumers'

const root = join(import.meta.dirname, '../../..')

describe('a program whose output nobody reads any more', () => {
  for (const name of ['helia-cluster-service', 'helia-cluster-ctl', 'helia-cluster-follow']) {
    it(`${name} ends without a word, as if by SIGPIPE`, async () => {
      const child = spawn(process.execPath, [join(root, 'cmd', name, 'bin.js'), '--help'], { stdio: ['ignore', 'pipe', 'pipe'] })
      child.stdout.destroy()

      const [told, [code, signal]] = await Promise.all([text(child.stderr), once(child, 'exit')])

      assert.equal(told, '')
      assert.ok(code === 0 || signal === 'SIGPIPE', `${code} ${signal}`) // 0: it had ended before it was told
    })
  }
})
