import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { initFolder } from '../../../cmd/helia-cluster-service/init.ts'
import { runProgram } from '../../../cmd/helia-cluster-service/main.ts'
import { writeOutput } from '../../../cmd/helia-cluster-service/state-files.ts'
import * as state from '../../../cmd/helia-cluster-service/state.ts'
import { lockFolder } from '../../../src/node/folder/lock.ts'
import { fakeTerminal, type FakeTerminal } from '../../support/terminal.ts'

const varied = new URL('../../vectors/state/export-varied.json', import.meta.url)
const minimal = new URL('../../vectors/state/import-minimal.json', import.meta.url)

async function * failing (): AsyncGenerator<Uint8Array> {
  yield Buffer.from('half')
  throw new Error('damaged')
}

describe('helia-cluster-service state', () => {
  let parent: string
  let folder: string
  let terminal: FakeTerminal
  let written: string
  let deps: state.StateDeps
  let init: state.StateInit

  before(async () => { parent = await mkdtemp(join(tmpdir(), 'helia-cluster-state-')) })
  after(async () => { await rm(parent, { recursive: true, force: true }) })
  beforeEach(async () => {
    folder = await mkdtemp(join(parent, 'peer-'))
    await initFolder({ folder, consensus: 'crdt', datastore: 'level', profile: 'test' }, fakeTerminal())
    init = { folder, levels: 'error' }
    renew()
  })

  /** A new terminal, which answers with these. */
  function renew (answers: string[] = [], input = ''): void {
    terminal = fakeTerminal({ answers })
    written = ''
    deps = {
      terminal,
      fetch: async () => assert.fail('nothing is fetched'),
      input: (async function * () { yield Buffer.from(input) })(),
      output: async bytes => { written += Buffer.from(bytes).toString() }
    }
  }

  const importFile = async (file: URL | string, flags: object = {}): Promise<void> =>
    state.runImport({ ...init, file: file instanceof URL ? file.pathname : file, force: true, ...flags }, deps)
  const exported = async (): Promise<string> => {
    written = ''
    await state.runExport(init, deps)
    return written
  }
  const fileWith = async (text: string): Promise<string> => {
    const path = join(folder, 'pins.json')
    await writeFile(path, text)
    return path
  }

  it('imports an export of Go and exports the same bytes', async () => {
    await importFile(varied)

    const text = await exported()

    assert.equal(text, await readFile(varied, 'utf8'))
    assert.match(terminal.printed.err, /imported: 17 pins\./)
  })

  it('survives export, cleanup and import', async () => {
    await importFile(varied)
    const file = join(folder, 'backup.json')

    await state.runExport({ ...init, file }, deps)
    await state.runCleanup({ ...init, force: true }, deps)
    const between = await exported()
    await importFile(file)

    assert.equal(between, '')
    assert.equal(await exported(), await readFile(varied, 'utf8'))
  })

  it('imports what is not complete with defaults', async () => {
    await importFile(minimal)

    const pins = (await exported()).trim().split('\n').map(line => JSON.parse(line))

    assert.deepEqual(pins.map(pin => [pin.type, pin.mode, pin.max_depth, pin.replication_factor_min, pin.replication_factor_max]),
      [['pin', 'recursive', -1, -1, -1], ['pin', 'recursive', -1, -1, -1]])
    assert.deepEqual(pins.map(pin => pin.timestamp), ['2019-12-31T22:00:00Z', '0001-01-01T00:00:00Z'])
  })

  it('imports from standard input, with force only', async () => {
    renew([], '{"cid":"QmbrCtydGyPeHiLURSPMqrvE5mCgMCwFYq3UD4XLCeAYw6"}')

    await assert.rejects(state.runImport({ ...init, force: false }, deps), /--force/)
    await state.runImport({ ...init, force: true }, deps)

    assert.match(await exported(), /^\{.*QmbrCtydGyPeHiLURSPMqrvE5mCgMCwFYq3UD4XLCeAYw6.*\}\n$/)
  })

  it('takes factors and allocations for all pins, and refuses wrong ones', async () => {
    const peer = '12D3KooWQ9vdWqAvX9KTYB5ysCsgC1orrEqkosGFuNsKhPtj3wmi'
    await importFile(minimal, { replicationMin: '1', replicationMax: '2', allocations: peer })

    const pins = (await exported()).trim().split('\n').map(line => JSON.parse(line))

    assert.deepEqual(
      pins.map(pin => [pin.replication_factor_min, pin.replication_factor_max, pin.allocations]), [[1, 2, [peer]], [1, 2, [peer]]]
    )
    for (const flags of [{ replicationMin: 'x' }, { replicationMin: '3', replicationMax: '2' }, { allocations: 'me' }]) {
      await assert.rejects(importFile(minimal, flags), /^CommandFailed|error parsing options: --/)
    }
  })

  it('changes nothing for a damaged file, and tells its line and the reason', async () => {
    await importFile(varied)
    const lines = (await readFile(varied, 'utf8')).split('\n')
    const damaged: Array<[string, RegExp]> = [
      [lines.with(2, (lines[2] ?? '').slice(0, 100)).join('\n'), /^error importing state: line [34]: /],
      [lines.with(4, (lines[4] ?? '').replace('"cid":"baf', '"cid":"ba!')).join('\n'), /^error importing state: line 5: cid: /],
      [lines.slice(0, 3).join('\n').slice(0, -10), /^error importing state: line 3: .*ends/],
      [
        `${lines[0]}\n${JSON.stringify({ cid: 'QmbrCtydGyPeHiLURSPMqrvE5mCgMCwFYq3UD4XLCeAYw6', name: 'x'.repeat(300_000) })}`,
        /^error importing state: line 2: /
      ]
    ]

    for (const [text, message] of damaged) {
      const file = await fileWith(text)
      await assert.rejects(importFile(file), (err: Error) => message.test(err.message) || assert.fail(err.message))
    }

    assert.equal(await exported(), await readFile(varied, 'utf8'))
    assert.deepEqual(await readdir(join(folder, 'state')), ['pinset'])
  })

  it('asks before it replaces or removes', async () => {
    await importFile(varied)
    renew(['n', '', 'no'])

    await importFile(minimal, { force: false })
    await importFile(minimal, { force: false })
    await state.runCleanup({ ...init, force: false }, deps)

    assert.equal(terminal.asked.length, 3)
    assert.equal((await exported()).split('\n').length, 18)
    renew(['y'])
    await state.runCleanup({ ...init, force: false }, deps)
    assert.equal(await exported(), '')
  })

  it('tells about the CRDT in the words of Go', async () => {
    await importFile(varied)
    const head = 'bafybeib4oxmffu3v3bhflvkmsyium2ewnxwbybpwgghbpooan62r35qhoq'

    await state.runCrdtInfo(init, deps)
    await state.runCrdtMark({ ...init, dirty: true }, deps)
    await state.runCrdtInfo(init, deps)
    await state.runCrdtMark({ ...init, dirty: false }, deps)
    await state.runCrdtDot(init, deps)

    assert.equal(terminal.printed.out,
    `Number of heads: 1. Current max-height: 1. Dirty: false\nHeads: [${head}]Datastore marked 'dirty'\n` +
      `Number of heads: 1. Current max-height: 1. Dirty: true\nHeads: [${head}]Datastore marked 'clean'\n`)
    assert.equal(
      written,
      `digraph CRDTDAG {\nsubgraph heads {\n${head}\n}\n${head} [label="1 | qhoq: +17 -0"]\n${head} -> {}\nsubgraph sg_${head} {\n}\n}\n`
    )
  })

  it('leaves an output file as it is when it cannot write a new one', async () => {
    const file = join(folder, 'backup.json')
    await writeFile(file, 'precious')

    await assert.rejects(writeOutput(file, failing(), deps.output), /damaged/)

    assert.equal(await readFile(file, 'utf8'), 'precious')
    assert.ok((await readdir(folder)).every(name => !name.endsWith('.tmp')))
  })

  it('says which file or folder is not there', async () => {
    await assert.rejects(importFile(join(folder, 'no')), /error reading import file: .*no/)
    await assert.rejects(importFile(folder), /is a folder/)
    await assert.rejects(state.runExport({ ...init, file: join(folder, 'no', 'file') }, deps), /error exporting state: .*no/)
    await assert.rejects(state.runExport({ ...init, folder: join(folder, 'no') }, deps), /error loading configurations: .*init/)
  })

  it('refuses a folder that is in use, naming by whom', async () => {
    const lock = lockFolder(folder)

    await assert.rejects(exported(), new RegExp(`error obtaining execution lock: .*\\b${process.pid}\\b`))
    lock.release()
    assert.equal(await exported(), '')
  })

  it('tells the way out of the data of a Go peer, and takes it', async () => {
    const file = join(folder, 'service.json')
    const json = JSON.parse(await readFile(file, 'utf8'))
    json.datastore = { pebble: {} }
    await writeFile(file, JSON.stringify(json))
    await mkdir(join(folder, 'pebble'))
    await writeFile(join(folder, 'pebble', 'MANIFEST'), '')

    await assert.rejects(exported(), /in a format of the Go peer \(pebble\)[\s\S]*state import/)
    await importFile(varied)

    assert.equal((await exported()).split('\n').length, 18)
  })

  it('prints help and succeeds without a command, as Go', async () => {
    const results = await Promise.all([
      ['state'], ['state', 'crdt'], ['state', 'import', '--help'], ['state', 'crdt', 'dot', '-h']
    ].map(async args => {
      const printed = fakeTerminal()
      return { exitCode: await runProgram(args, printed), ...printed.printed }
    }))

    assert.ok(results.every(({ exitCode, out }) => exitCode === 0 && out.startsWith('Usage: helia-cluster-service state')))
  })

  it('takes its flags on the command line', async () => {
    const run = async (...args: string[]): Promise<number> => runProgram(['-c', folder, ...args], terminal)
    const file = join(folder, 'out.json')

    const codes = [
      await run('state', 'import', '-f', '-replication-min=1', '--rmax', '2', varied.pathname),
      await run('state', 'export', '--file', file),
      await run('-f', 'state', 'cleanup'),
      await run('state', 'import', '-f', join(folder, 'nothing'))
    ]

    assert.deepEqual(codes, [0, 0, 0, 1])
    const pins = (await readFile(file, 'utf8')).trim().split('\n').map(line => JSON.parse(line)).filter(pin => pin.type === 'pin')
    assert.ok(pins.every(pin => pin.replication_factor_min === 1 && pin.replication_factor_max === 2 && pin.allocations.length > 0))
  })
})
