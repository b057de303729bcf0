import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { Clock } from '../../../../src/base/clock.ts'
import { inNextTick } from '../../../../src/base/event-loop.ts'
import { systemClock } from '../../../../src/base/system.ts'
import { freePorts } from '../../../support/free-ports.ts'
import { runCtlHere, stubApi, type ApiAnswer, type CtlResult, type CtlRunInit, type StubApi } from '../../../support/ctl.ts'

const cid = 'bafkreicx3mxcmx3eg5ct3tsv54ijv5rgz5vxg2g56q66qvnjrdhnogif5a'
const peer = '12D3KooWAa9jSCJA1yb5AkFT2ai8LfysdeTd52Y1o52poDvLhqaE'
const never = '0001-01-01T00:00:00Z'
const statusOf = (status: string): string => JSON.stringify({
  cid, name: '', peer_map: { [peer]: { peername: 'peer0', status, timestamp: never, error: '', attempt_count: 0, priority_pin: false } }
})
const pin = JSON.stringify({
  cid, name: 'n', type: 'pin', mode: 'recursive', replication_factor_min: -1, replication_factor_max: -1, max_depth: -1, expire_at: never,
  timestamp: never, allocations: []
})
const statusLine = (status: string): string =>
  `${cid}:\n    > peer0                : ${status} | ${never} | Attempts: 0 | Priority: false\n`

/** Sleeps at once, and remembers for how long. */
function hastyClock (): Clock & { slept: number[] } {
  const slept: number[] = []
  return { ...systemClock, slept, sleep: async (ms, signal) => { slept.push(ms); signal?.throwIfAborted() } }
}

async function withApi (
  answers: Record<string, ApiAnswer | (() => ApiAnswer)>,
  act: (api: StubApi, run: (argv: string[], init?: CtlRunInit) => Promise<CtlResult>) => Promise<void>
): Promise<void> {
  const api = await stubApi(answers)
  try {
    await act(api, async (argv, init) => runCtlHere(['--host', api.host, ...argv], init))
  } finally {
    await api.stop()
  }
}

describe('ctl: command line', () => {
  const exits = async (argv: string[]): Promise<CtlResult> => runCtlHere(argv)

  it('without a command, or asked for help, prints help', async () => {
    for (const argv of [[], ['help'], ['--help'], ['pin'], ['help', 'pin', 'add'], ['pin', 'add', '--help'], ['pin', '-h']]) {
      const { status, stdout } = await exits(argv)

      assert.equal(status, 0)
      assert.match(stdout, /^NAME:\n {3}helia-cluster-ctl/)
    }
  })

  it('prints help in lines of 120 characters at most', async () => {
    const list = (await exits(['commands'])).stdout.trimEnd().split('\n').map(line => line.split(' ').slice(1))

    for (const argv of [[], ...list]) {
      const { stdout } = await exits([...argv, '--help'])

      assert.deepEqual(stdout.split('\n').filter(line => line.length > 120), [], argv.join(' '))
    }
  })

  it('names an unknown command and ends with 3', async () => {
    for (const argv of [['bogus'], ['pin', 'bogus'], ['help', 'bogus']]) {
      assert.deepEqual(await exits(argv), { status: 3, stdout: '', stderr: "No help topic for 'bogus'\n" })
    }
  })

  it('prints what is wrong with a flag, and the help', async () => {
    const own = await exits(['status', '--bogus'])
    const global = await exits(['--timeout', 'x', 'id'])

    assert.equal(own.status, 1)
    assert.match(own.stdout, /^Incorrect Usage: flag provided but not defined: -bogus\n\nNAME:\n {3}helia-cluster-ctl status/)
    assert.equal(global.status, 1)
    assert.match(global.stdout, /^Incorrect Usage. invalid value "x" for flag -timeout: parse error\n\nNAME:/)
  })

  it('prints the version', async () => {
    const { status, stdout } = await exits(['--version'])

    assert.equal(status, 0)
    assert.match(stdout, /^helia-cluster-ctl version 1\.1\.6\+helia\.\S+\n$/)
  })

  it('refuses arguments as Go does, with 1 and a line on stderr', async () => {
    const refused: Array<[string[], string]> = [
      [['--enc', 'xml', 'id'], 'error : unsupported encoding'],
      [
        ['--host', 'foo', 'id'],
        'error parsing host multiaddress: failed to parse multiaddr "foo": must begin with / (such as /ip4/127.0.0.1/tcp/9094), or be host:port'
      ],
      [['--secret', 'zz', 'id'], "error parsing secret: encoding/hex: invalid byte: U+007A 'z'"],
      [
        ['peers', 'rm', 'bad'],
        'error parsing peer ID: failed to parse peer ID: invalid cid: invalid cid: expected 1 as the cid version number, got: 0'
      ],
      [['add'], 'error : need at least one path'],
      [['add', '/no/such/file'], 'error : lstat /no/such/file: no such file or directory'],
      [['add', '/dev/null'], 'error : unrecognized file type for /dev/null'],
      [['add', '--nocopy', 'x'], 'error : nocopy option is only valid for URLs'],
      [['add', '--format', 'car', '-w', 'x'], 'error : only a single CAR file can be added and wrap-with-directory is not supported'],
      [['pin', 'add'], 'error : invalid path "/ipfs/": path does not have enough components'],
      [['pin', 'add', 'notacid'], 'error : invalid path "/ipfs/notacid": invalid cid: selected encoding not supported'],
      [['pin', 'add', '--allocations', 'bad', cid], 'error decoding allocations: some peer IDs could not be decoded'],
      [['pin', 'add', '--expire-in', 'x', cid], 'error parsing expire-in: time: invalid duration "x"'],
      [['pin', 'add', '--metadata', 'x', cid], 'error parsing metadata: metadata were not in the format key=value'],
      [['pin', 'update'], 'error parsing from Cid: invalid cid: cid too short'],
      [['pin', 'ls', 'zzz'], 'error parsing cid: invalid cid: invalid cid: expected 1 as the cid version number, got: 13'],
      [['status', '--filter', 'bogus'], 'error parsing filter flag: invalid filter name']
    ]

    for (const [argv, line] of refused) assert.deepEqual(await exits(argv), { status: 1, stdout: '', stderr: `${line}\n` }, argv.join(' '))
  })

  it('lists all commands', async () => {
    const { stdout } = await exits(['commands'])

    assert.deepEqual(stdout.trimEnd().split('\n').map(line => line.replace('helia-cluster-ctl ', '')), [
      'id', 'peers', 'peers ls', 'peers rm', 'add', 'pin', 'pin add', 'pin rm', 'pin update', 'pin ls', 'status', 'recover', 'version',
      'health', 'health graph',
      'health metrics', 'health alerts', 'health bandwidth', 'ipfs', 'ipfs gc', 'commands', 'help'
    ])
  })

  it('says whether a peer is ready, and what is wrong with it', async () => {
    const answers: Array<[ApiAnswer, CtlResult]> = [
      [
        { status: 200, body: '{"ready":true,"problems":[],"pins":1,"heads":1,"height":80}' },
        { status: 0, stdout: 'ready, 1 pin, no problems\n', stderr: '' }
      ],
      [
        { status: 200, body: '{"ready":true,"problems":["damaged"],"pins":79,"heads":1,"height":80}' },
        { status: 0, stdout: 'ready, 79 pins, problems: damaged\n', stderr: '' }
      ],
      [
        { status: 503, body: '{"ready":false,"problems":["behind"],"pins":3,"heads":1,"height":80}' },
        { status: 1, stdout: 'not ready, 3 pins, problems: behind\n', stderr: '' }
      ]
    ]
    for (const [answer, result] of answers) {
      await withApi({ 'GET /health/ready': answer }, async (_api, run) => { assert.deepEqual(await run(['health', 'ready']), result) })
    }
  })
})

describe('ctl: answers', () => {
  it('that refuse are printed on stdout and end with 2', async () => {
    await withApi({
      [`GET /allocations/${cid}`]: { status: 404, body: '{"code":404,"message":"pin is not part of the pinset"}' }
    }, async (_api, run) => {
      const text = await run(['pin', 'ls', cid])
      const json = await run(['--enc', 'json', 'pin', 'ls', cid])

      assert.deepEqual(text, {
        status: 2, stdout: 'An error occurred:\n  Code: 404\n  Message: pin is not part of the pinset\n', stderr: ''
      })
      assert.deepEqual(json, { status: 2, stdout: '{\n    "code": 404,\n    "message": "pin is not part of the pinset"\n}\n', stderr: '' })
    })
  })

  it('that do not come are code 0 and end with 1', async () => {
    const [port] = await freePorts(1)

    const { status, stdout } = await runCtlHere(['--host', `/ip4/127.0.0.1/tcp/${port}`, 'version'])

    assert.equal(status, 1)
    assert.equal(
      stdout,
      `An error occurred:\n  Code: 0\n  Message: Get "http://127.0.0.1:${port}/version": dial tcp 127.0.0.1:${port}: connect: connection refused\n`
    )
  })

  it('are printed as far as they come when a list fails', async () => {
    await withApi({ 'GET /allocations': { body: `${pin}\n`, streamError: 'the disk is gone' } }, async (_api, run) => {
      const { status, stdout } = await run(['pin', 'ls'])

      assert.equal(status, 2)
      assert.match(stdout, /^bafkrei[^\n]*\nAn error occurred:\n {2}Code: 500\n {2}Message: the disk is gone\n$/)
    })
  })

  it('are tables on a terminal, lines when text is asked for', async () => {
    await withApi({ 'GET /pins': { body: `${statusOf('pinned')}\n` } }, async (_api, run) => {
      const table = await run(['status'], { isTerminal: true })
      const text = await run(['--enc', 'text', 'status'], { isTerminal: true })

      assert.match(table.stdout, /CID.*STATUS[^]*\u001B\[32mpinned/)
      assert.equal(text.stdout, statusLine('PINNED'))
    })
  })

  it('sum up a collection on a terminal, and name each block in text and JSON', async () => {
    const body = JSON.stringify({ peer_map: { [peer]: { peer, peername: 'one', keys: [{ key: cid }, { key: cid }] } } })
    await withApi({ 'POST /ipfs/gc': { body } }, async (_api, run) => {
      const [table, text, piped, json] = [
        await run(['ipfs', 'gc'], { isTerminal: true }), await run(['--enc', 'text', 'ipfs', 'gc'], { isTerminal: true }),
        await run(['ipfs', 'gc']), await run(['--enc', 'json', 'ipfs', 'gc'])
      ]

      assert.match(table.stdout, /PEER.*REMOVED.*ERRORS.*\none +2 +0 +-\n$/)
      assert.equal(text.stdout.split(cid).length, 3)
      assert.equal(piped.stdout, text.stdout)
      assert.deepEqual(JSON.parse(json.stdout), JSON.parse(body))
    })
  })

  it('cannot write over the screen: control characters are shown on a terminal, and left as they are in a pipe', async () => {
    const hostile = 'n\u001B[2Ja\nb'
    const row = statusOf('pinned').replace('"name":""', `"name":${JSON.stringify(hostile)}`)
    await withApi({ 'GET /pins': { body: `${row}\n` } }, async (_api, run) => {
      const [table, text, piped] = [
        await run(['status'], { isTerminal: true }), await run(['--enc', 'text', 'status'], { isTerminal: true }), await run(['status'])
      ]

      assert.match(table.stdout, /n\\x1b\[2Ja\\x0ab/)
      assert.match(text.stdout, /\| n\\x1b\[2Ja\nb:/)
      assert.ok(piped.stdout.includes(hostile))
    })
  })

  it('need credentials where they are asked for: by flag or variable, never told by --debug', async () => {
    await withApi({ 'GET /version': { body: '{"version":"1"}' } }, async (api, run) => {
      await run(['--force-http', '--basic-auth', 'a:b:c', 'version'])
      const byFlag = api.last.headers.authorization
      const { stderr } = await run(['-f', '-d', 'version'], { variables: { CLUSTER_CREDENTIALS: 'u' } })
      const byVariable = api.last.headers.authorization

      assert.equal(byFlag, `Basic ${btoa('a:b:c')}`)
      assert.equal(byVariable, `Basic ${btoa('u:')}`)
      assert.match(stderr, /GET \/version[^]*200[^]*\{"version":"1"\}/)
      assert.ok(!stderr.includes(btoa('u:')))
    })
  })
})

describe('ctl: pins', () => {
  it('are added with what the flags say, and their status is asked after a second', async () => {
    await withApi({ [`POST /pins/ipfs/${cid}`]: { body: pin }, [`GET /pins/${cid}`]: { body: statusOf('pinned') } }, async (api, run) => {
      const clock = hastyClock()

      const { stdout } = await run(
        ['pin', 'add', '--name', 'x', '-r', '2', '--mode', 'direct', '--allocations', `${peer}, ${peer}`, '--metadata', 'k=v', cid],
        { clock }
      )

      assert.equal(stdout, statusLine('PINNED'))
      assert.deepEqual(clock.slept, [1000])
      assert.deepEqual(api.asked, [
        `POST /pins/ipfs/${cid}?meta-k=v&mode=direct&name=x&replication-max=2&replication-min=2&shard-size=0&user-allocations=${peer}%2C${peer}`,
        `GET /pins/${cid}?local=false`
      ])
    })
  })

  it('are waited for, and failures are told', async () => {
    const statuses = ['pin_queued', 'pinning', 'pinned', 'pinning', 'pin_error']
    await withApi({
      [`POST /pins/ipfs/${cid}`]: { body: pin }, [`GET /pins/${cid}`]: () => ({ body: statusOf(statuses.shift() ?? 'pinned') })
    }, async (api, run) => {
      const waited = await run(['pin', 'add', '--wait', cid], { clock: hastyClock() })
      const failed = await run(['pin', 'add', '--wait', '--no-status', cid], { clock: hastyClock() })

      assert.equal(waited.stdout, statusLine('PINNED'))
      assert.deepEqual(failed, {
        status: 1, stdout: '', stderr: 'error waiting for pin status: error has occurred while attempting to reach status: pinned\n'
      })
      assert.equal(api.asked.length, 7)
    })
  })

  it('that take too long end with 62', async () => {
    await withApi({
      [`DELETE /pins/ipfs/${cid}`]: { body: pin }, [`GET /pins/${cid}`]: { body: statusOf('unpinning') }
    }, async (_api, run) => {
      const clock: Clock = {
        ...systemClock, sleep: async (_ms, signal) => { signal?.throwIfAborted() }, after: (_ms, call) => inNextTick(call)
      }

      const { status, stderr } = await run(['pin', 'rm', '--wait', '--wait-timeout', '5s', cid], { clock })

      assert.equal(status, 62)
      assert.equal(stderr, 'error waiting for pin status: context deadline exceeded\n')
    })
  })

  it('are filtered by types and statuses', async () => {
    await withApi({ 'GET /allocations': { status: 204 }, 'GET /pins': { status: 204 } }, async (api, run) => {
      for (const argv of [
        ['pin', 'ls'], ['pin', 'ls', '--filter', 'pin,meta-pin'], ['pin', 'ls', '--filter', 'bogus'],
        ['status', '--filter', 'error', '--local']
      ]) await run(argv)

      assert.deepEqual(api.asked, [
        'GET /allocations?filter=all',
        'GET /allocations?filter=pin%2Cmeta-pin',
        'GET /allocations?filter=',
        'GET /pins?local=true&filter=cluster_error%2Cpin_error%2Cunpin_error&cids='
      ])
    })
  })

  it('are watched: a pipe gets them again when they change', async () => {
    const looks = ['pinning', 'pinning', 'pinning', 'pinned', 'pinned']
    await withApi({ [`GET /pins/${cid}`]: () => ({ body: statusOf(looks.shift() ?? 'pinned') }) }, async (_api, run) => {
      const stop = new AbortController()

      const { status, stdout } = await run(['status', '--watch', cid], {
        clock: hastyClock(), signal: stop.signal, onOut: text => { if (text.includes('PINNED')) stop.abort(new Error('interrupted')) }
      })

      assert.equal(status, 130)
      assert.equal(stdout, `${statusLine('PINNING')}\n${statusLine('PINNED')}`)
    })
  })
})

describe('ctl: add', () => {
  const folder = mkdtempSync(join(tmpdir(), 'helia-cluster-ctl-'))
  mkdirSync(join(folder, 'dir/sub'), { recursive: true })
  writeFileSync(join(folder, 'dir/b.txt'), 'bee')
  writeFileSync(join(folder, 'dir/.hidden'), 'shh')
  writeFileSync(join(folder, 'dir/sub/c.txt'), 'sea')
  symlinkSync('b.txt', join(folder, 'dir/a-link'))
  after(() => { rmSync(folder, { recursive: true }) })

  const added = `{"name":"dir/b.txt","cid":"${cid}","size":3}\n{"name":"dir","cid":"${cid}","size":9}\n`
  const names = (body: string): string[] => [...body.matchAll(/filename="([^"]+)"/g)].map(match => decodeURIComponent(match[1] ?? ''))

  it('sends trees in order, without hidden files unless wanted', async () => {
    await withApi({ 'POST /add': { body: added } }, async (api, run) => {
      const { stdout } = await run(['add', '-r', join(folder, 'dir')])
      const shown = names(api.last.body)
      await run(['add', '-r', '-H', join(folder, 'dir')])

      assert.equal(stdout, `added ${cid} dir/b.txt\nadded ${cid} dir\n`)
      assert.deepEqual(shown, ['dir', 'dir/a-link', 'dir/b.txt', 'dir/sub', 'dir/sub/c.txt'])
      assert.ok(names(api.last.body).includes('dir/.hidden'))
      assert.match(api.last.body, /name="file\?mode=0644&mtime=\d+(&mtime-nsecs=\d+)?"; filename="dir%2Fb.txt"/)
      assert.match(api.last.body, /name="file\?mode=0200000007\d\d&/)
      assert.match(api.last.body, /application\/symlink\r\n\r\nb\.txt\r\n/)
    })
  })

  it('prints all, CIDs only, the last one, or an array', async () => {
    await withApi({ 'POST /add': { body: added } }, async (_api, run) => {
      const file = join(folder, 'dir/b.txt')
      const outputs = await Promise.all(
        [['-q'], ['-Q'], ['-Q', '--no-stream']].map(async flags => (await run(['add', ...flags, file])).stdout)
      )
      const array = JSON.parse((await run(['--enc', 'json', 'add', '--no-stream', file])).stdout)

      assert.deepEqual(outputs, [`${cid}\n${cid}\n`, `${cid}\n`, `${cid}\n`])
      assert.deepEqual(array, [{ name: 'dir/b.txt', cid, size: 3 }, { name: 'dir', cid, size: 9 }])
    })
  })

  it('has the rules of the Go client for what follows from what', async () => {
    await withApi({ 'POST /add': { body: added } }, async (api, run) => {
      const file = join(folder, 'dir/b.txt')
      await run(['add', file, file])
      await run(['add', '--hash', 'blake2b-256', file])
      await run(['add', '--cid-version', '1', file])

      const queries = api.asked.map(one => new URLSearchParams(one.split('?')[1]))
      assert.deepEqual(
        queries.map(query => ['wrap-with-directory', 'cid-version', 'raw-leaves'].map(name => query.get(name))),
        [['true', '0', 'false'], ['false', '1', 'true'], ['false', '1', 'true']]
      )
    })
  })

  it('refuses directories without -r, and tells a URL that does not answer', async () => {
    await withApi({ 'POST /add': { body: added } }, async (api, run) => {
      const [port] = await freePorts(1)

      assert.equal(
        (await run(['add', join(folder, 'dir')])).stderr, `error : ${join(folder, 'dir')} is a directory, but Recursive option is not set\n`
      )
      assert.equal((await run(['add', `http://127.0.0.1:${port}/x`])).status, 1)
      assert.deepEqual(api.asked, [])
    })
  })

  it('draws a bar on a terminal, and takes it away before it prints', async () => {
    await withApi({ 'POST /add': { body: added } }, async (_api, run) => {
      const { stdout, stderr } = await run(['add', join(folder, 'dir/b.txt')], { isTerminal: true })

      assert.match(stderr, /\[=+\] 100% {2}3 B of 3 B/)
      assert.ok(stderr.endsWith('\r\u001B[K'))
      assert.match(stdout, /^added /)
    })
  })
})
