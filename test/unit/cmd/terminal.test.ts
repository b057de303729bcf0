import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { terminalMissing } from '../../support/interrupted-add.ts'

const source = new URL('../../../cmd/helia-cluster-service/terminal.ts', import.meta.url).href
const program = `
  const { systemTerminal } = await import(${JSON.stringify(source)})
  const terminal = systemTerminal()
  const word = await terminal.askSecretly("Password: ")
  terminal.out("<" + word.length + " characters>")`

describe('the terminal', () => {
  it('shows nothing of a password while it is typed', { skip: terminalMissing ?? false }, async () => {
    const command = `exec '${process.execPath}' --input-type=module -e "$PROGRAM"`
    const terminal = spawn('script', ['-qefc', command, '/dev/null'], {
      env: { ...process.env, PROGRAM: program, SHELL: '/bin/sh' }, stdio: ['pipe', 'pipe', 'ignore']
    })
    let shown = ''
    let isTyped = false
    terminal.stdout.on('data', data => {
      shown += data
      if (isTyped || !shown.includes('Password: ')) return
      isTyped = true
      terminal.stdin.write('correct horse\r')
    })

    const [code] = await once(terminal, 'exit') as [number]

    assert.equal(code, 0)
    assert.match(shown, /Password: \s*<13 characters>/)
    assert.ok(!shown.includes('horse'), shown)
  })

  it('takes a line of a file or a pipe as well, and asks nobody for it', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'pipe'] })
    let out = ''
    let asked = ''
    child.stdout.on('data', data => { out += data })
    child.stderr.on('data', data => { asked += data })
    child.stdin.end('correct horse\nmore\n')

    await once(child, 'close')

    assert.equal(out, '<13 characters>')
    assert.ok(!asked.includes('Password'), asked)
  })
})
