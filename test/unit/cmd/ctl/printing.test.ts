import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { painter } from '../../../../cmd/helia-cluster-ctl/print/colours.ts'
import { graphText } from '../../../../cmd/helia-cluster-ctl/print/graph.ts'
import { bytesText, relativeTime } from '../../../../cmd/helia-cluster-ctl/print/humanize.ts'
import { jsonText, pinObject, statusObject } from '../../../../cmd/helia-cluster-ctl/print/json.ts'
import { tableLines } from '../../../../cmd/helia-cluster-ctl/print/table.ts'
import { idTable, repoGcTable } from '../../../../cmd/helia-cluster-ctl/print/tables.ts'
import {
  alertText, bandwidthText, idText, metricText, pinText, repoGcText, statusText
} from '../../../../cmd/helia-cluster-ctl/print/text.ts'
import { uploadText } from '../../../../cmd/helia-cluster-ctl/commands/upload-bar.ts'
import type { GlobalPinInfo, Id, Metric, Pin } from '../../../../src/client/types.ts'

const peer0 = '12D3KooWAa9jSCJA1yb5AkFT2ai8LfysdeTd52Y1o52poDvLhqaE'
const peer1 = '12D3KooWBK2Qt9FhzGm7YYJVhK63ySaHRCFfcCybfDXVbEZWtgwv'
const ipfs0 = '12D3KooWEN5j9XP1guaaWANjFMvnDBg3UVR2LJ2LFsFQNN1drLAA'
const cid = 'bafkreicx3mxcmx3eg5ct3tsv54ijv5rgz5vxg2g56q66qvnjrdhnogif5a'
const never = '0001-01-01T00:00:00Z'
const now = Date.UTC(2026, 10, 21)

const pin: Pin = {
  replication_factor_min: -1, replication_factor_max: -1, name: '', mode: 'recursive', shard_size: 0, user_allocations: null,
  expire_at: never, metadata: null,
  pin_update: null, origins: [], cid, type: 'pin', allocations: [], max_depth: -1, reference: null, timestamp: '2026-11-21T00:21:46Z'
}
const id: Id = {
  id: peer0, addresses: ['/ip4/2.2.2.2/tcp/1', '/ip4/1.1.1.1/tcp/1'], cluster_peers: [peer0, peer1], cluster_peers_addresses: [],
  version: '1.1.6', commit: '',
  rpc_protocol_version: '', error: '', ipfs: { id: ipfs0, addresses: ['/b', '/a'], error: '' }, peername: 'peer0'
}
const at = (status: GlobalPinInfo['peer_map'][string]['status'], peername: string, error = ''): GlobalPinInfo['peer_map'][string] =>
  ({ peername, status, timestamp: '2026-11-21T00:21:44.437509641Z', error, attempt_count: 2, priority_pin: true })
const info: GlobalPinInfo = {
  cid, name: 'foo', allocations: [], origins: null, created: never, metadata: null,
  peer_map: { [peer1]: at('remote', ''), [peer0]: at('pin_error', 'peer0', 'no') }
}
const metric = (more: Partial<Metric>): Metric =>
  ({
    name: 'ping', peer: peer0, value: 'v', expire: BigInt(now + 5_500) * 1_000_000n, valid: true, weight: 0n, partitionable: false,
    received_at: 0n, ...more
  })

describe('lines of ctl', () => {
  it('tell pins as Go does', () => {
    const restricted: Pin = {
      ...pin, name: 'n', mode: 'direct', replication_factor_min: 1, replication_factor_max: 2, allocations: ['b', 'a'], max_depth: 0,
      metadata: { k: 'v' }, expire_at: '2026-11-22T01:02:03.5Z', timestamp: never
    }

    assert.equal(
      pinText(pin),
      `${cid} |  | PIN | Repl. Factor: -1 | Allocations: [everywhere] | Recursive | Metadata: no | Exp: ∞ | Added: 2026-11-21 00:21:46\n`
    )
    assert.equal(
      pinText(restricted),
      `${cid} | n | PIN-DIRECT | Repl. Factor: 1--2 | Allocations: [a b] | Direct | Metadata: yes | Exp: 2026-11-22 01:02:03 | Added: unknown\n`
    )
    assert.match(pinText({ ...pin, max_depth: 2 }), /Recursive-2/)
  })

  it('tell statuses as Go does: peers by ID, names padded', () => {
    assert.equal(statusText(info), [
      `${cid} | foo:`,
      '    > peer0                : PIN_ERROR: no | 2026-11-21T00:21:44.437509641Z | Attempts: 2 | Priority: true',
      `    > ${peer1} : REMOTE | 2026-11-21T00:21:44.437509641Z | Attempts: 2 | Priority: true`,
      ''
    ].join('\n'))
  })

  it('tell peers as Go does: addresses sorted, dead ones by their error', () => {
    assert.equal(
      idText(id),
      `${peer0} | peer0 | Sees 1 other peers\n  > Addresses:\n    - /ip4/1.1.1.1/tcp/1\n    - /ip4/2.2.2.2/tcp/1\n  > IPFS: ${ipfs0}\n    - /a\n    - /b\n`
    )
    assert.match(idText({ ...id, ipfs: { addresses: null, error: 'gone' } }), /\n {2}> IPFS ERROR: gone\n$/)
    assert.equal(idText({ ...id, error: 'dead' }), `${peer0} | ERROR: dead\n`)
  })

  it('tell metrics, alerts and bytes as Go does', () => {
    const bandwidth = {
      '/ipfs/id/1.0.0': { total_in: 1200, total_out: 1249, rate_in: 0, rate_out: 163.454 },
      '': { total_in: 474, total_out: 9, rate_in: 0, rate_out: 0 }
    }

    assert.equal(metricText(metric({}), now), `${peer0} | ping: v | Expires in: 5 seconds from now\n`)
    assert.equal(
      metricText(metric({ name: 'freespace', weight: 10_000_000_000n }), now),
      `${peer0} | freespace: 10 GB | Expires in: 5 seconds from now\n`
    )
    assert.equal(
      alertText({ ...metric({ expire: BigInt(now - 61_000) * 1_000_000n }), triggered_at: '2026-11-20T23:59:28Z' }, now),
      `${peer0}: ping. Expired at: 1 minute ago. Triggered at: 32 seconds ago\n`
    )
    assert.equal(bandwidthText(bandwidth), [
      '                         : In:   474 B. Out:     9 B. RateIn: 0.00B/s. RateOut: 0.00B/s',
      '           /ipfs/id/1.0.0: In:  1.2 kB. Out:  1.2 kB. RateIn: 0.00B/s. RateOut: 163.45B/s',
      ''
    ].join('\n'))
  })

  it('peers on a terminal have a column for what is wrong, with the peer or with its IPFS node', () => {
    const there = {
      id: 'a', peername: 'peer0', version: '1.0.0', cluster_peers: ['a', 'b', 'c'], error: '', addresses: [], cluster_peers_addresses: [],
      commit: '', rpc_protocol_version: '', ipfs: { id: 'i', addresses: [], error: '' }
    }
    const without = { ...there, ipfs: { ...there.ipfs, id: '', error: 'away' } }
    const rows = [there, without, { ...there, peername: '', error: 'the peer is\nmissing' }]

    assert.deepEqual(rows.flatMap(one => [...idTable.rows(one)]), [
      ['a', 'peer0', '1.0.0', '2', 'i', ''],
      ['a', 'peer0', '1.0.0', '2', '-', { text: 'IPFS: away', style: 'red' }],
      ['a', '-', '-', '-', '-', { text: 'the peer is missing', style: 'red' }]
    ])
  })

  it('a collection on a terminal is a row per peer, with what was removed and what failed', () => {
    const peers = {
      b: { peer: 'b', peername: 'peer1', keys: null, error: 'down' },
      a: { peer: 'a', peername: '', keys: [{ key: 'x' }, { key: 'y' }, { key: null, error: 'locked' }] },
      c: { peer: 'c', peername: 'peer2', keys: [] }
    }

    assert.deepEqual(
      repoGcTable.rows({ peer_map: peers }),
      [['a', '2', '1', { text: 'locked', style: 'red' }], ['peer1', '0', '0', { text: 'down', style: 'red' }], ['peer2', '0', '0', '-']]
    )
  })

  it('tell what was collected as Go does', () => {
    const text = repoGcText({
      peer_map: {
        b: { peer: 'b', peername: 'peer1', keys: null, error: 'down' },
        a: { peer: 'a', peername: '', keys: [{ key: 'x' }, { key: null, error: 'locked' }] }
      }
    })

    assert.equal(text, 'a              \n  > CIDs:\n    - x\n    - ERROR: locked\npeer1           | ERROR: down\n  > CIDs:\n')
  })
})

describe('JSON of ctl', () => {
  it('has the keys that Go knows, in its order, and drops others', () => {
    const sent = { timestamp: '2026-11-21T00:21:46Z', later: 1, cid, name: '<&>' } as unknown as Pin

    const text = jsonText(pinObject(sent))

    assert.deepEqual(Object.keys(JSON.parse(text)), Object.keys(pin))
    assert.equal(text.split('\n')[1], '    "replication_factor_min": 0,')
    assert.match(text, /"name": "\\u003c\\u0026\\u003e"/)
    assert.deepEqual(JSON.parse(jsonText(pinObject(pin))), pin)
  })

  it('has peers by ID and keeps nanoseconds', () => {
    const text = jsonText(statusObject(info))

    assert.ok(text.indexOf(peer0) < text.indexOf(peer1))
    assert.match(text, /"timestamp": "2026-11-21T00:21:44.437509641Z"/)
  })
})

describe('words of ctl', () => {
  it('for times are those of go-humanize', () => {
    const words = [
      0, 999, 1000, 59_999, 60_000, 3_599_999, 3_600_000, 86_400_000, 7 * 86_400_000, 15 * 86_400_000, 31 * 86_400_000, 400 * 86_400_000,
      800 * 86_400_000, 40 * 366 * 86_400_000
    ].map(ms => relativeTime(0, ms))

    assert.deepEqual(
      words,
      [
        'now', 'now', '1 second ago', '59 seconds ago', '1 minute ago', '59 minutes ago', '1 hour ago', '1 day ago', '1 week ago',
        '2 weeks ago', '1 month ago', '1 year ago', '2 years ago', 'a long while ago'
      ]
    )
    assert.equal(relativeTime(7_500, 0), '7 seconds from now')
  })

  it('for sizes are those of go-humanize', () => {
    assert.deepEqual(
      [0, 9, 10, 999, 1000, 1249, 36_400, 308_000, 10_000_000_000].map(bytesText),
      ['0 B', '9 B', '10 B', '999 B', '1.0 kB', '1.2 kB', '36 kB', '308 kB', '10 GB']
    )
  })
})

describe('graph of ctl', () => {
  it('is the DOT that Go writes', () => {
    const text = graphText({
      cluster_id: peer0,
      id_to_peername: { [peer0]: 'peer0', [peer1]: 'peer1' },
      ipfs_links: { [ipfs0]: ['12D3KooWElsewhere'] },
      cluster_links: { [peer1]: [peer0, 'unknownpeer'], [peer0]: [peer1] },
      cluster_trust_links: { [peer1]: true },
      cluster_to_ipfs: { [peer0]: ipfs0 }
    }, { allIpfsPeers: false })

    const attributes = 'style="filled" colorscheme="x11" fontcolor="black" fontname="Arial"'
    assert.deepEqual(text.split('\n'), [
      'digraph cluster {', '/* The nodes of the connectivity graph */', '/* The cluster-service peers */', 'subgraph  {', 'rank="min"',
      `C0 [label=< <B> peer0 </B> <BR/> <B> 12*vLhqaE </B> > group="${peer0}" color="orange" ${attributes} shape="box3d" peripheries="2" ]`,
      `T1 [label=< <B> peer1 </B> <BR/> <B> 12*ZWtgwv </B> > group="${peer1}" color="orange" ${attributes} shape="box3d" ]`,
      '}', '', '/* The ipfs peers */', 'subgraph  {', 'rank="max"',
      `I0 [label=< <B> IPFS </B> <BR/> <B> 12*1drLAA </B> > group="${ipfs0}" color="turquoise3" ${attributes} shape="cylinder" ]`,
      `I1 [label=< <B> IPFS </B> <BR/> <B> Errored </B> > group="${peer1}" color="firebrick1" ${attributes} shape="cylinder" ]`,
      '}', '', '/* Edges representing active connections in the cluster */', '/* The connections among cluster-service peers */',
      'C0 -> T1', 'T1 -> C0',
      '', '/* The connections between cluster peers and their ipfs daemons */', 'C0 -> I0', 'T1 -> I1 [ style="dotted" ]',
      '', '/* The swarm peer connections among ipfs daemons in the cluster */', '}'
    ])
  })
})

describe('tables of ctl', () => {
  const plain = painter({ variables: {} }, false)

  it('are as wide as their first rows, and nothing without rows', async () => {
    const table = { columns: ['A', 'LONG'], rows: (text: string) => [[text, { text: 'x', style: 'red' as const }]] }

    assert.deepEqual(await Array.fromAsync(tableLines(['one', 'three'], table, plain)), ['A      LONG\n', 'one    x\n', 'three  x\n'])
    assert.deepEqual(await Array.fromAsync(tableLines([], table, plain)), [])
  })

  it('begin before the list has ended', async () => {
    const items = async function * (): AsyncGenerator<string> {
      for (let at = 0; at < 64; at++) yield String(at)
      throw new Error('more is coming')
    }

    const first = await tableLines(items(), { columns: ['A'], rows: text => [[text]] }, plain).next()

    assert.equal(first.value, 'A\n')
  })

  it('have colours only where someone looks and wants them', () => {
    assert.equal(painter({ variables: {} }, true)('red', 'x'), '\u001B[31mx\u001B[0m')
    assert.equal(painter({ variables: { NO_COLOR: '1' } }, true)('red', 'x'), 'x')
    assert.equal(painter({ variables: { TERM: 'dumb' } }, true)('red', 'x'), 'x')
    assert.equal(painter({ variables: {} }, false)('red', 'x'), 'x')
  })

  it('show an upload as a bar when its size is known', () => {
    assert.equal(
      uploadText({ sent: 50_000_000, total: 100_000_000, elapsedMs: 1000 }),
      `[${'='.repeat(12)}${' '.repeat(12)}] 50%  50 MB of 100 MB  50 MB/s`
    )
    assert.equal(uploadText({ sent: 1000, total: 0, elapsedMs: 0 }), '1.0 kB')
  })
})
