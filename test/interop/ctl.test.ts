import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { stubApi, type StubApi } from '../support/ctl.ts'
import { peerProcess, type PeerProcess, type ProgramResult } from '../support/peer-process.ts'

const ours = join(import.meta.dirname, '../../cmd/helia-cluster-ctl/bin.js')
const theirs = (process.env.PATH ?? '').split(delimiter).map(folder => join(folder, 'ipfs-cluster-ctl')).find(path => existsSync(path))

const cid = 'bafkreicx3mxcmx3eg5ct3tsv54ijv5rgz5vxg2g56q66qvnjrdhnogif5a'
const absent = 'bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e'
const hello = 'QmZULkCELmmk5XNfCgTnCyFgAVxBRBXyDHGGMVoLFLiXEN'

/** Reading changes nothing: both programs print the same to the byte. */
const reading = [
  'id', 'version', 'peers ls', 'pin ls', `pin ls ${hello}`, 'pin ls --filter pin,meta-pin', 'pin ls --filter meta-pin', `pin ls ${absent}`,
  'status', `status ${hello}`,
  `status --local ${hello}`, 'status --filter pinned,error --local', 'status --filter pinning', 'recover', 'recover --local',
  `recover ${hello}`, `recover --local ${hello}`,
  'health graph', 'health graph --all-ipfs-peers', 'health metrics', 'health metrics nope', 'health alerts', 'ipfs gc --local',
  'add hello.txt', 'add -q hello.txt', 'add -Q hello.txt', 'add -r dir', 'add -r -w dir', 'add hello.txt dir/a.txt',
  'add -r -Q --cid-version 1 dir', 'add --hash blake2b-256 hello.txt',
  'add --layout trickle --chunker size-1048576 hello.txt', 'add --no-stream hello.txt', 'add -Q --no-stream hello.txt',
  'add --no-pin hello.txt', 'add -H -r dir', 'add --chunker bogus hello.txt',
  'add --format bogus hello.txt', 'add -r dir/.', `pin rm --no-status ${absent}`, `pin update ${absent} ${hello}`,
  `pin add -r 9 --no-status ${cid}`,
  'peers rm 12D3KooWLJ6K8gtwShUFroy7xCt3WqUDFbZJngZJ3KdgqxoeJ9rC'
]

/** These change the timestamps of what they print. */
const writing = [
  `pin add --no-status --name n ${hello}`, `pin add --name foo --metadata k=v -r 1 ${hello}`, `pin add --wait ${hello}`,
  `pin add --mode recursive --expire-in 100h --no-status ${hello}`,
  `pin update ${hello} QmXzA2dC5bqtdkuXqAc3Tt88zcoKxARHhTdEqZzHBbYS9e`, 'add --wait hello.txt'
]

/** Never reach the peer, or nobody. */
const refused = [
  'add dir', 'add missing.txt', 'add --nocopy hello.txt', 'add', 'add -w --format car hello.txt', 'bogus', 'pin bogus', 'help bogus',
  'pin add', 'pin rm', 'pin update', 'pin add notacid', 'pin ls zzz',
  'peers rm', 'peers rm bad', 'status zzz', 'recover f01', 'status --filter bogus', '--enc xml id', '--secret zz id',
  `pin add --expire-in x ${hello}`, `pin add --metadata x ${hello}`,
  `pin add --allocations bad ${hello}`, 'commands', '--host /ip4/127.0.0.1/tcp/1 version', '--host /ip4/127.0.0.1/tcp/1 --enc json pin ls',
  '--basic-auth a:b version', '--host /unix/tmp/no-such.sock version'
]

const withoutTimes = (text: string): string => text.replaceAll(/\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z?/g, 'TIME')
/** Go logs there what it has printed already, and warnings. */
const withoutLogs = (text: string): string => text.split('\n').filter(line => !/\t(ERROR|WARN)\t/.test(line)).join('\n')

describe('ctl beside the Go ctl', { skip: theirs == null ? 'ipfs-cluster-ctl is not on PATH' : false }, () => {
  let peer: PeerProcess
  let folder = ''
  let host = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'helia-cluster-ctl-'))
    await mkdir(join(folder, 'dir/sub'), { recursive: true })
    await mkdir(join(folder, 'dir/empty'))
    for (const name of ['hello.txt', 'dir/a.txt', 'dir/B ü.txt', 'dir/.hidden', 'dir/sub/b.txt']) {
      await writeFile(join(folder, name), name === 'hello.txt' ? 'hello\n' : name)
    }
    await symlink('a.txt', join(folder, 'dir/link'))
    peer = await peerProcess()
    await peer.start()
    host = `/ip4/127.0.0.1/tcp/${new URL(peer.url).port}`
    await ctl([ours], ['--host', host, 'add', '--wait', 'hello.txt'])
  })
  after(async () => {
    await peer.remove()
    await rm(folder, { recursive: true })
  })

  const ctl = async (program: string[], args: readonly string[]): Promise<ProgramResult> => new Promise(resolve => {
    const [file = '', ...before] = program[0] === ours ? [process.execPath, ours] : program
    execFile(file, [...before, ...args], { cwd: folder }, (err, stdout, stderr) => {
      resolve({
        status: err == null ? 0 : Number(err.code), stdout: stdout.replaceAll('helia-cluster-ctl ', 'ipfs-cluster-ctl '),
        stderr: withoutLogs(stderr)
      })
    })
  })
  const both = async (line: string, at = host): Promise<[ProgramResult, ProgramResult]> => {
    const args = ['--host', at, ...line.split(' ')]
    return [await ctl([ours], args), await ctl([theirs ?? ''], args)]
  }

  for (const encoding of ['text', 'json']) {
    it(`prints the same as ${encoding}`, async () => {
      for (const line of reading) {
        const [us, go] = await both(`--enc=${encoding} ${line}`)

        assert.deepEqual(us, go, line)
      }
    })

    it(`prints the same as ${encoding}, but for times, when it writes`, async () => {
      for (const line of writing) {
        const [us, go] = await both(`--enc=${encoding} ${line}`)

        assert.deepEqual({ ...us, stdout: withoutTimes(us.stdout) }, { ...go, stdout: withoutTimes(go.stdout) }, line)
      }
    })
  }

  it('refuses the same with the same words and exit codes', async () => {
    for (const line of refused) {
      const [us, go] = await both(line)

      assert.deepEqual(us, go, line)
    }
  })

  it('shows metrics whose time runs in the same form', async () => {
    for (const line of ['health metrics ping', 'health metrics freespace']) {
      const [us, go] = (await both(line)).map(({ stdout }) => stdout.replaceAll(/in: .*/g, 'in: …'))

      assert.equal(us, go)
    }
  })

  it('sends the same requests, bodies included', async () => {
    const pin = JSON.stringify({
      cid, replication_factor_min: -1, replication_factor_max: -1, type: 'pin', mode: 'recursive', max_depth: -1,
      expire_at: '0001-01-01T00:00:00Z', timestamp: '0001-01-01T00:00:00Z'
    })
    const info = JSON.stringify({
      cid, peer_map: { '12D3KooWLJ6K8gtwShUFroy7xCt3WqUDFbZJngZJ3KdgqxoeJ9rC': { status: 'pinned', timestamp: '0001-01-01T00:00:00Z' } }
    })
    const api: StubApi = await stubApi({
      'POST /add': { body: `{"name":"a","cid":"${cid}"}\n` },
      [`POST /pins/ipfs/${cid}`]: { body: pin },
      [`POST /pins/ipfs/${cid}/a/b`]: { body: pin },
      [`DELETE /pins/ipfs/${cid}`]: { body: pin },
      [`GET /allocations/${cid}`]: { body: pin },
      [`GET /pins/${cid}`]: { body: info }
    })
    const requests = async (program: string[], line: string): Promise<unknown> => {
      api.asked.length = 0
      await ctl(program, ['--host', api.host, ...line.split(' ')])
      const boundary = /boundary=(\w+)/.exec(api.last.headers['content-type'] ?? '')?.[1] ?? 'none'
      return {
        asked: api.asked.map(one => one.replace(/expire-at=[^&]+/, 'expire-at=TIME')), body: api.last.body.replaceAll(boundary, 'B')
      }
    }
    const lines = [
      'add hello.txt', 'add -r dir', 'add -r -H dir', 'add -r .', 'add --wait hello.txt',
      'add --raw-leaves --metadata a=b --metadata c=d --rmin 1 --rmax 2 --expire-in 2h --local --name n hello.txt dir/a.txt',
      'add --allocations 12D3KooWLJ6K8gtwShUFroy7xCt3WqUDFbZJngZJ3KdgqxoeJ9rC,bad hello.txt', `pin add ${cid}`,
      `pin add --no-status ipfs/${cid}`, `pin add --no-status /ipfs/${cid}//a/./b`, `pin rm ${cid}`,
      `pin update --name x --expire-in 1h ${cid} ${cid}`, `pin add --wait --wait-limit 1 ${cid}`, 'pin ls', 'pin ls --filter shard-pin,pin',
      'pin ls --filter x', 'status', 'status --filter pinned', `status ${cid} ${cid}`, 'health metrics tag:group',
      'ipfs gc', 'ipfs gc --local', 'recover --local'
    ]

    try {
      for (const line of lines) assert.deepEqual(await requests([ours], line), await requests([theirs ?? ''], line), line)
    } finally {
      await api.stop()
    }
  })
})
