import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Alert, Id, Metric, PeerSync, Pin, PinProgress, PinsHealth } from '../../../src/client/types.ts'
import { neverText } from '../../../src/client/types.ts'
import { layoutOf } from '../../../src/web/pages/cluster/peers/graph-layout.ts'
import { historyLines, peersLine } from '../../../src/web/pages/cluster/history-series.ts'
import { costText, peerRows } from '../../../src/web/pages/cluster/peers/peer-rows.ts'
import { contentOf, copiesText, factorsFault, optionsOf } from '../../../src/web/pages/cluster/pinset/pin-options.ts'
import { forMany } from '../../../src/web/pages/cluster/pinset/many.ts'
import { rowOfPin, standingOf } from '../../../src/web/pages/cluster/pinset/pinset-rows.ts'
import { PinsetSieve } from '../../../src/web/pages/cluster/pinset/pinset-sieve.ts'
import { differenceText, syncWord } from '../../../src/web/pages/cluster/peers/sync-words.ts'
import { waitGroups, whyOf } from '../../../src/web/pages/cluster/pinset/why.ts'

const peer = (id: string, error = ''): Id =>
  ({
    id, addresses: [], cluster_peers: [], cluster_peers_addresses: [], version: '1', commit: '', rpc_protocol_version: '', error,
    ipfs: { id: `ipfs-${id}`, addresses: [], error: '' }, peername: `name of ${id}`
  })
const metric = (name: string, of: string, value: string): Metric => ({
  name, peer: of, value, expire: 0n, valid: true, weight: 0n, partitionable: false, received_at: 0n
})
const holding = (id: string, missing: boolean, pins = 0, alone = 0): PinsHealth['peers'][number] => ({
  peer: id, peername: `name of ${id}`, missing, last_seen: null, pins, alone, statuses: {}
})

describe('peers of the overview', () => {
  const health: PinsHealth = {
    at: '', pins: 3, everywhere: 0, under_replicated: 2, unreachable: 1, peers: [holding('b', false), holding('a', true, 2, 1)]
  }

  it('are those that answer, those that do not, and those that are gone, which come first', () => {
    const rows = peerRows({
      self: 'b', peers: [peer('b'), peer('a', 'gone'), peer('c', 'failed to dial')],
      health: { ...health, peers: [...health.peers, holding('c', false)] }, metrics: [metric('freespace', 'b', '500')], alerts: []
    })

    assert.deepEqual(
      rows.map(({ id, state, isSelf, freeBytes }) => [id, state, isSelf, freeBytes]),
      [['a', 'missing', false, null], ['c', 'silent', false, null], ['b', 'up', true, 500]]
    )
  })

  it('have the same pinset as the one that is asked, or not, while they are there', () => {
    const sync = (id: string, state: PeerSync['state'], by: PeerSync['by'] = 'digest'): PeerSync => ({
      peer: id, peername: '', trusted: true, state, since: null, by, pins: 3, digest: null, heads: []
    })
    const rows = peerRows({
      self: 'b', peers: [peer('a', 'gone'), peer('b'), peer('c')], health, metrics: [], alerts: [],
      sync: [sync('a', 'behind'), sync('c', 'out_of_sync')]
    })

    assert.deepEqual(rows.map(({ id, sync: one }) => [id, one?.state]), [['a', undefined], ['b', undefined], ['c', 'out_of_sync']])
    assert.match(syncWord(sync('c', 'in_sync', 'heads')).about ?? '', /heads/)
    assert.deepEqual((['in_sync', 'behind', 'out_of_sync'] as const).map(state => syncWord(sync('c', state)).tone), ['good', 'warn', 'bad'])
    const names = { one: 'x', other: 'y' }
    assert.deepEqual(
      [{ one: null, other: '1' }, { one: '1', other: null }, { one: '1', other: '2' }].map(pin => differenceText(pin, names)),
      ['only y has it', 'only x has it', 'with other options']
    )
  })

  it('have alerts that have not passed', () => {
    const alerts = ['ping', 'freespace'].map((name): Alert => ({ ...metric(name, 'b', ''), triggered_at: '' }))
    const [row] = peerRows({ self: 'b', peers: [peer('b')], health: undefined, metrics: [metric('ping', 'b', '{}')], alerts })

    assert.deepEqual(row?.alerts, ['freespace'])
  })

  it('are called what they call themselves, with what can not be seen spelled out', () => {
    const [row] = peerRows({ self: 'b', peers: [{ ...peer('b'), peername: 'evil\u202Egnp' }], health: undefined, metrics: [], alerts: [] })

    assert.equal(row?.name, 'evil[U+202E]gnp')
  })

  it('cost something when they are missing', () => {
    assert.deepEqual([[0, 0], [1, 0], [1, 1], [2000, 0], [2000, 1], [2000, 2000]].map(([pins = 0, alone = 0]) => costText({ pins, alone })),
    [
      'No pin is allocated to it by name.',
      '1 pin has a copy less; all of it can still be reached on other peers.',
      '1 pin is out of reach: no other peer is to have it.',
      '2,000 pins have a copy less; all of them can still be reached on other peers.',
      '2,000 pins have a copy less; 1 of them is out of reach: no other peer is to have it.',
      '2,000 pins are out of reach: no other peer is to have them.'
    ])
  })
})

describe('the graph of connections', () => {
  const rows = peerRows({ self: 'a', peers: [peer('a'), peer('b'), peer('c', 'gone')], health: undefined, metrics: [], alerts: [] })
  const graph = {
    cluster_id: 'a',
    id_to_peername: {},
    cluster_links: { a: ['b'], b: ['a', 'c'], c: [] },
    cluster_trust_links: {},
    cluster_to_ipfs: { a: 'ipfs-a', b: 'ipfs-b' },
    ipfs_links: { 'ipfs-a': ['ipfs-b', 'stranger'], 'ipfs-b': ['ipfs-a'] }
  }

  it('has each connection once, tells those that one side sees only, and counts those to strangers', () => {
    const { links, nodes, others } = layoutOf(graph, rows, { width: 900, height: 400 })

    assert.deepEqual(links.map(({ from, to, kind, isOneWay }) => [kind, from.id, to.id, isOneWay]), [
      ['cluster', 'a', 'b', false], ['cluster', 'b', 'c', true], ['own', 'a', 'ipfs-a', false], ['own', 'b', 'ipfs-b', false],
      ['ipfs', 'ipfs-a', 'ipfs-b', false]
    ])
    assert.deepEqual([nodes.length, others], [5, 1])
  })

  it('is inside of its frame, nothing on top of another, and the same each time', () => {
    const [one, two] = [layoutOf(graph, rows, { width: 900, height: 400 }), layoutOf(graph, rows, { width: 900, height: 400 })]

    assert.deepEqual(one, two)
    assert.ok(one.nodes.every(({ x, y }) => x > 20 && x < 880 && y > 20 && y < 380))
    for (const a of one.nodes) for (const b of one.nodes) assert.ok(a === b || Math.hypot(a.x - b.x, a.y - b.y) > 30)
  })

  it('can be of one peer, or of nobody', () => {
    assert.equal(
      layoutOf(
        { ...graph, cluster_links: null, cluster_to_ipfs: null, ipfs_links: null }, rows.slice(0, 1), { width: 100, height: 100 }
      ).nodes.length,
      1
    )
    assert.equal(
      layoutOf({ ...graph, cluster_links: null, cluster_to_ipfs: null, ipfs_links: null }, [], { width: 100, height: 100 }).nodes.length, 0
    )
  })
})

describe('metrics over time', () => {
  const history = {
    every_ms: 30_000,
    at: [1, 2, 3],
    series: [
      { name: 'ping', peer: 'a', values: [1, 1, 1] }, { name: 'ping', peer: 'b', values: [1, null, null] },
      ...Array.from({ length: 8 }, (_, at) => ({ name: 'freespace', peer: `p${at}`, values: [null, 10, 10 + at] }))
    ]
  }

  it('count who is there', () => {
    assert.deepEqual(peersLine(history).points.map(({ value }) => value), [2, 1, 1])
  })

  it('have lines without gaps, of those that vary most when they are many', () => {
    const lines = historyLines(history, 'freespace', id => id)

    assert.deepEqual(lines.map(({ label }) => label), ['p2', 'p3', 'p4', 'p5', 'p6', 'p7'])
    assert.deepEqual(lines[0]?.points, [{ at: 1, value: 10 }, { at: 2, value: 10 }, { at: 3, value: 12 }])
  })
})

describe('rows of the pinset', () => {
  const pinned = { status: 'pinned' as const, error: '' }

  it('tell copies, and what needs most', () => {
    assert.deepEqual(
      standingOf({ a: pinned, b: { status: 'pin_error', error: 'no room' }, c: { status: 'remote', error: '' } }),
      { have: 1, wanted: 2, status: 'pin_error', error: 'no room' }
    )
    assert.deepEqual(standingOf({ a: pinned, b: pinned }), { have: 2, wanted: 2, status: 'pinned', error: '' })
    assert.deepEqual(standingOf({}), { have: 0, wanted: 0, status: 'undefined', error: '' })
  })

  const pin = (cid: string, name: string, allocations: string[], timestamp: string): Pin => ({
    replication_factor_min: 1, replication_factor_max: 2, name, mode: 'recursive', shard_size: 0, user_allocations: null,
    expire_at: neverText, metadata: null, pin_update: null, origins: null, cid, type: 'pin',
    allocations, max_depth: -1, reference: null, timestamp
  })
  const rows = [pin('bafyA', 'First one', ['p'], '2026-01-01T00:00:00Z'), pin('bafyB', '', ['q'], '2026-01-02T00:00:00Z')].map(rowOfPin)

  const clock = { now: () => 0, sleep: async () => {} }
  const asked = new AbortController().signal

  it('are found by parts of names and CIDs, and by holder', async () => {
    const sieve = new PinsetSieve(clock)
    const found = async (text: string, holder = '', order: 'stored' | 'newest' = 'stored'): Promise<string[]> => (
      await sieve.rows(rows, { text, peer: holder, order }, asked)
    ).map(({ cid }) => cid)

    assert.deepEqual(
      [await found('FIRST'), await found('afyb'), await found('x'), await found('', 'q'), await found('first', 'q')],
      [['bafyA'], ['bafyB'], [], ['bafyB'], []]
    )
    assert.equal(await sieve.rows(rows, { text: '', peer: '', order: 'stored' }, asked), rows)
    assert.deepEqual(await found('', '', 'newest'), ['bafyB', 'bafyA'])
  })

  it('are looked through in slices, in any order, and only what is new when there are more', async () => {
    let [now, rests] = [0, 0]
    const sieve = new PinsetSieve({ now: () => now += 5, sleep: async () => { rests++ } })
    const many = Array.from({ length: 5000 }, (_, at) => ({
      ...rows[0]!, cid: `bafy${at}`, name: at % 2 === 0 ? 'even' : 'odd', addedMs: (at * 7919) % 5000
    }))

    const even = await sieve.rows(many, { text: 'even', peer: '', order: 'newest' }, asked)
    const restsBefore = rests
    const more = await sieve.rows(
      [...many, { ...rows[0]!, cid: 'bafyNew', name: 'even', addedMs: 9000 }], { text: 'even', peer: '', order: 'stored' }, asked
    )

    assert.deepEqual(even, many.filter(({ name }) => name === 'even').toSorted((a, b) => b.addedMs - a.addedMs))
    assert.deepEqual([more.length, more.at(-1)?.cid], [2501, 'bafyNew'])
    assert.ok(restsBefore > 4 && rests - restsBefore <= 1, `${restsBefore}, then ${rests - restsBefore}`)
    assert.deepEqual((await sieve.rows(many.slice(1), { text: 'even', peer: '', order: 'stored' }, asked)).length, 2499)
  })

  it('can be asked for again as they were', () => {
    assert.deepEqual(optionsOf({ ...pin('bafyA', 'n', ['p'], ''), metadata: { k: 'v' }, expire_at: '2027-01-01T00:00:00Z' }), {
      name: 'n', mode: 'recursive', replicationFactorMin: 1, replicationFactorMax: 2, userAllocations: ['p'],
      expireAt: '2027-01-01T00:00:00Z', metadata: { k: 'v' }
    })
    assert.deepEqual(
      [[-1, -1], [1, 1], [2, 2], [1, 3]].map(
        ([min = 0, most = 0]) => copiesText({ replication_factor_min: min, replication_factor_max: most })
      ),
      ['every peer', '1 peer', '2 peers', '1 to 3 peers']
    )
  })
})

describe('what is typed to be pinned', () => {
  const cid = 'bafkreifre7isp4znimto4vpxlwnvtd4oaddxbv7jxfpmreylqm2zyxs3xa'

  it('is a CID, a path or a link', () => {
    assert.deepEqual([
      ` ${cid} `, `/ipfs/${cid}/a b/`, `ipfs://${cid}`, `https://gw.example/ipfs/${cid}/x?y#z`, `https://${cid}.ipfs.dweb.example/x`,
      `https://${cid}.ipfs.localhost/`, '/ipns/docs.example', 'hello', ''
    ].map(contentOf),
    [
      cid, `/ipfs/${cid}/a b`, `/ipfs/${cid}`, `/ipfs/${cid}/x`, `/ipfs/${cid}/x`, `/ipfs/${cid}`, '/ipns/docs.example', '', ''
    ])
  })

  it('has sensible numbers of copies', () => {
    assert.deepEqual(
      [['1', '2'], ['0', '2'], ['3', '2'], ['x', '2'], ['1', '1.5']].map(([min = '', most = '']) => factorsFault(min, most) === ''),
      [true, false, false, false, false]
    )
  })
})

describe('doing something with many', () => {
  it('does a few at a time, goes on when some fail, and tells how far it is', async () => {
    let running = 0
    let most = 0
    const told: number[] = []
    const failed: number[] = []

    const end = await forMany([1, 2, 3, 4, 5], async item => {
      most = Math.max(most, ++running)
      await Promise.resolve()
      running--
      if (item % 2 === 0) throw new Error('even')
    }, {
      signal: new AbortController().signal, atATime: 2, onProgress: ({ done, failed }) => told.push(done + failed),
      onFailed: item => failed.push(item)
    })

    assert.deepEqual([end, most, told, failed], [{ done: 3, failed: 2, total: 5 }, 2, [1, 2, 3, 4, 5], [2, 4]])
  })

  it('begins no more when it is stopped', async () => {
    const controller = new AbortController()
    const { done } = await forMany([1, 2, 3], async () => controller.abort(), { signal: controller.signal, atATime: 1 })

    assert.equal(done, 1)
  })
})

describe('why a pin waits', () => {
  const operation = {
    type: 'pin', phase: 'in_progress', since: '2026-11-29T02:00:00Z', attempt_count: 1, error: '', queue_length: 0, next_try_at: null
  }
  const ipfs = {
    phase: 'no_providers' as const, blocks: 0, bytes: 0, fetched_blocks: 0, fetched_bytes: 0, wanted_block: 'bafyX',
    wanted_since: '2026-11-29T02:00:01Z', peers_asked: ['a', 'b'], next_try_at: '2026-11-29T02:01:00Z', started_at: ''
  }
  const at = (id: string, more: Partial<PinProgress> = {}): PinProgress => ({ peer: id, peername: id, error: '', operation, ipfs, ...more })

  it('has words for what nobody has, for failures, queues and silence', () => {
    const title = (more: Partial<PinProgress>): string | undefined => whyOf(at('p', more))?.title

    assert.deepEqual([
      title({}), title({ ipfs: { ...ipfs, phase: 'no_peers' } }), title({ ipfs: { ...ipfs, phase: 'fetching' } }),
      title({ operation: null }), title({ operation: { ...operation, phase: 'queued' } })
    ],
    [
      'No peer has a block that it needs', 'No other IPFS node is connected', 'It waits for a block', undefined, 'It waits for its turn'
    ])
    assert.deepEqual([
      title({ operation: { ...operation, phase: 'error', error: 'context canceled' }, ipfs: null }),
      title({ operation: { ...operation, phase: 'error', error: 'no room' }, ipfs: null }), title({ error: 'timeout' })
    ],
    [
      'Nothing came for as long as a pin may wait', 'It failed: no room', 'The peer does not answer'
    ])
    assert.equal(title({ operation: { ...operation, phase: 'error', error: 'context canceled' } }), 'No peer has a block that it needs')
  })

  it('is told once for all peers that wait for the same', () => {
    const groups = waitGroups(
      [
        at('one', { ipfs: { ...ipfs, phase: 'fetching' } }), at('two'),
        at('three', {
          ipfs: { ...ipfs, peers_asked: ['b', 'c'], wanted_since: '2026-11-29T01:00:00Z', next_try_at: '2026-11-29T02:00:30Z' }
        }),
        at('four', { operation: null })
      ]
    )

    assert.deepEqual(
      groups.map(({ why, peers }) => [why.tone, peers.map(({ peer: id }) => id)]), [['bad', ['two', 'three']], ['info', ['one']]]
    )
    assert.deepEqual(
      [groups[0]?.since, groups[0]?.nextTry, groups[0]?.asked], ['2026-11-29T01:00:00Z', '2026-11-29T02:00:30Z', ['a', 'b', 'c']]
    )
  })
})
