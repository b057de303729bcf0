import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { runProgram } from '../../../cmd/helia-cluster-service/main.ts'
import { version } from '../../../cmd/helia-cluster-service/version.ts'
import { whatToTry } from '../../../cmd/helia-cluster-service/what-to-try.ts'
import { fakeTerminal } from '../../support/terminal.ts'

async function run (...args: string[]): Promise<{ exitCode: number, out: string, err: string }> {
  const terminal = fakeTerminal()
  const exitCode = await runProgram(args, terminal)
  return { exitCode, ...terminal.printed }
}

describe('helia-cluster-service', () => {
  it('has the version of package.json', () => {
    const packageJson = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))

    assert.equal(version, `1.1.6+helia.${packageJson.version}`)
  })

  it('prints its version', async () => {
    const results = await Promise.all([run('--version'), run('version')])

    assert.deepEqual(results, [
      { exitCode: 0, out: `helia-cluster-service version ${version}\n`, err: '' },
      { exitCode: 0, out: `${version}\n`, err: '' }
    ])
  })

  it('prints help and fails without a command, or with an unknown one', async () => {
    const results = await Promise.all([run(), run('-config', '/x'), run('nosuch', 'thing')])

    assert.ok(results.every(({ exitCode, out }) => exitCode === 1 && /^Usage:.*^Global options:.*^Commands:/sm.test(out)))
  })

  it('names a command that is misspelt, and the nearest', async () => {
    const { exitCode, err } = await run('deamon')

    assert.deepEqual({ exitCode, err }, { exitCode: 1, err: "'deamon' is no command of helia-cluster-service\nDid you mean 'daemon'?\n" })
  })

  it('prints help and succeeds when asked for it', async () => {
    const results = await Promise.all(
      [
        run('--help'), run('-h'), run('help'), run('h'), run('help', 'state', 'export'), run('state', 'help', 'export'),
        run('daemon', '--help'), run('init', '-h')
      ]
    )

    assert.ok(results.every(({ exitCode, out }) => exitCode === 0 && out.startsWith('Usage:')))
    assert.ok(results.every(({ out }) => out.split('\n').every(line => line.length <= 120)))
  })

  it('fails with exit code 3 for a command that is not there', async () => {
    const near = await Promise.all([run('state', 'exprot', '-f', 'x'), run('help', 'state', 'exprot')])
    const far = await Promise.all([run('help', 'exprot'), run('state', 'crdt', 'exprot')])

    assert.deepEqual(near, near.map(() => ({ exitCode: 3, out: '', err: "No help topic for 'exprot'\nDid you mean 'export'?\n" })))
    assert.deepEqual(far, far.map(() => ({ exitCode: 3, out: '', err: "No help topic for 'exprot'\n" })))
  })

  it('tells wrong flags as Go does, with exit code 0', async () => {
    const [unknown, inCommand, missing] = await Promise.all([run('--nope'), run('daemon', '-nope'), run('init', '--peers')])

    assert.deepEqual([unknown.exitCode, inCommand.exitCode, missing.exitCode], [0, 0, 0])
    assert.match(unknown.out, /^Incorrect Usage: flag provided but not defined: -nope\n\nUsage: helia-cluster-service \[/)
    assert.match(inCommand.out, /^Incorrect Usage: flag provided but not defined: -nope?\n\nUsage: helia-cluster-service daemon/)
    assert.match(missing.out, /^Incorrect Usage: flag needs an argument: -peers\n/)
  })

  it('takes flags as Go\'s flag package does', async () => {
    const results = await Promise.all(
      [
        run('-version'), run('--debug=false', 'version'), run('--debug=true', 'version'), run('-loglevel', 'debug', 'version'),
        run('--loglevel=debug', 'version')
      ]
    )

    assert.deepEqual(results.map(({ exitCode }) => exitCode), [0, 0, 0, 0, 0])
  })

  it('fails in one line when there is no configuration', async () => {
    const { exitCode, err } = await run('-c', '/nonexistent/folder', 'daemon')

    assert.equal(exitCode, 1)
    assert.match(err, /^error [^\n]+\n$/)
    assert.match(err, /init/)
  })
})

describe('what to try', () => {
  it('uses the real addresses', () => {
    const text = whatToTry({ restapi: ['/ip4/127.0.0.1/tcp/1111'], gateway: ['/ip4/127.0.0.1/tcp/2222'] })

    assert.match(text, /curl http:\/\/127\.0\.0\.1:1111\/id/)
    assert.match(text, /curl http:\/\/127\.0\.0\.1:2222\/ipfs\/CID/)
    assert.match(text, /--host \/ip4\/127\.0\.0\.1\/tcp\/1111 status/)
  })

  it('leaves out what does not listen', () => {
    const text = whatToTry({ cluster: ['/ip4/127.0.0.1/tcp/1'] })

    assert.doesNotMatch(text, /curl|ctl/)
  })
})
