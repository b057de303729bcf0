import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { Worker } from '../../../src/base/worker.ts'
import { PeerstoreKeeper } from '../../../src/node/peerstore-keeper.ts'
import { NotedLogger } from '../../support/noted-logger.ts'

const scratch = mkdtempSync(join(tmpdir(), 'peerstore-keeper-'))
const signal = new AbortController().signal
const addressOf = (peer: string): string => `/ip4/127.0.0.1/tcp/1/p2p/${peer}`
let count = 0

/** A keeper on a file with these lines; `look` is its background work. */
function keeperOf (...lines: string[]) {
  const path = join(scratch, String(count++))
  writeFileSync(path, lines.map(line => `${line}\n`).join(''))
  const [members, expected, workers, log] = [new Set<string>(), new Set<string>(), [] as Worker[], new NotedLogger()]
  const keeper = new PeerstoreKeeper({ path }, {
    host: { addressesOf: peer => [addressOf(peer)] },
    peers: {
      expected: () => expected,
      remember: async addresses => { for (const address of addresses) expected.add(address.split('/').at(-1) ?? '') }
    },
    members: () => [...members],
    workers: { add: worker => {
      workers.push(worker)
      return { wake () {}, stop: async () => {}, status: () => ({}) as never }
    } },
    log
  })
  return {
    keeper, members, expected, log,
    look: async () => workers[0]?.work(signal),
    peers: () => readFileSync(path, 'utf8').split('\n').filter(line => line !== '').map(line => line.split('/').at(-1)).toSorted()
  }
}

const [one, two, three] = [
  '12D3KooWAa9jSCJA1yb5AkFT2ai8LfysdeTd52Y1o52poDvLhqaE', '12D3KooWEPCEy9ELPHsB5EHm9pVbthDPvLnxg5XnYYuuQN4TAuTn',
  '12D3KooWRjuGhPimL4FKjYaeNaZFfrrsqKnnT46XvP7RbNi24KG2'
]

describe('the keeper of the peerstore', () => {
  after(() => rmSync(scratch, { recursive: true, force: true }))

  it('writes members that came while it runs, so that a peer that is killed knows them at its next start', async () => {
    const { keeper, members, expected, look, peers } = keeperOf()
    await keeper.start()

    await look()
    const before = peers()
    for (const peer of [one, two]) members.add(peer)
    await look()

    assert.deepEqual([before, peers()], [[], [one, two]])
    assert.deepEqual([...expected], [one, two])
  })

  it('keeps those of the file that are not there while it runs, and leaves them out when it stops beside others', async () => {
    const { keeper, members, expected, look, peers } = keeperOf(addressOf(one), addressOf(two))
    await keeper.start()
    for (const peer of [two, three]) members.add(peer)

    await look()
    const running = peers()
    await keeper.stop()

    assert.deepEqual([running, peers()], [[one, two, three], [two, three]])
    assert.deepEqual([...expected], [one, two, three])
  })

  it('keeps all that it knew when it sees nobody at the end, also who came since the start', async () => {
    const { keeper, members, look, peers } = keeperOf(addressOf(one))
    await keeper.start()
    members.add(two)
    await look()

    members.delete(two)
    await look()
    await keeper.stop()

    assert.deepEqual(peers(), [one, two])
  })

  it('forgets those that were removed from the cluster, also when nobody else is left', async () => {
    const { keeper, members, expected, look, peers } = keeperOf(addressOf(one), addressOf(two))
    await keeper.start()
    members.add(three)

    expected.delete(one)
    await look()
    const running = peers()
    members.delete(three)
    for (const peer of [two, three]) expected.delete(peer)
    await keeper.stop()

    assert.deepEqual([running, peers()], [[two, three], []])
  })

  it('leaves the file alone when it did not begin, or nothing has changed, and says what is no address', async () => {
    const [idle, same] = [keeperOf(addressOf(one)), keeperOf(addressOf(two), '/nonsense', '# a comment', addressOf(one))]
    await idle.keeper.stop()
    await same.keeper.start()
    for (const peer of [one, two]) same.members.add(peer)

    await same.look()

    assert.deepEqual([idle.peers(), same.peers()], [[one], ['# a comment', one, two, 'nonsense'].toSorted()])
    assert.deepEqual(same.log.lines.map(({ message }) => message), ['the peerstore has lines that are no peer addresses'])
  })
})
