import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { parseCid } from '../../src/model/cid.ts'
import { jsonLines } from '../support/peer-process.ts'
import { pollUntil, quietMs } from '../support/poll.ts'
import type { ServicePeer } from '../support/service-peer.ts'
import { anyEmail, inlineCid, servicePeer } from '../support/service-peer.ts'

const rounds = Number(process.env['KILL_ROUNDS'] ?? 3)
const everyStatus = 'status=queued,pinning,pinned,failed'

/** What one user was promised. `maybe`: a request whose answer was lost. */
interface Promised { there: Map<string, string>, gone: Set<string>, maybe: Set<string> }

describe('pins of the service while their peer is killed', { timeout: quietMs(60_000 + rounds * 30_000) }, () => {
  let peer: ServicePeer
  before(async () => {
    peer = await servicePeer({ registration: 'open', quota_bytes: 10_000_000 })
    await peer.start()
  })
  after(async () => { await peer.remove() })

  it('are all there, or all gone, as was promised; the pinset and the use of the accounts agree', async () => {
    const users = await Promise.all([0, 1].map(async at => ({
      key: await peer.register(anyEmail()), at,
      promised: { there: new Map<string, string>(), gone: new Set<string>(), maybe: new Set<string>() } satisfies Promised
    })))
    let number = 0
    for (let round = 0; round < rounds; round++) {
      const stop = new AbortController()
      const work = users.flatMap(
        user => [0, 1, 2].map(async lane => busy({ ...user, lane, next: () => number++ % 400, stop: stop.signal }))
      )

      await new Promise(resolve => setTimeout(resolve, 300 + 137 * (round % 7)))
      await peer.end('SIGKILL')
      stop.abort()
      await Promise.all(work)
      await peer.start()

      for (const user of users) await checkPromises(user)
      await checkAgreement(users)
    }
  })

  interface User { key: string, promised: Promised }

  const call = async ({ key }: { key: string }, method: string, path: string, body?: unknown): Promise<{ status: number, body: any }> => {
    const response = await fetch(`${peer.service}${path}`, {
      method, headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body == null ? {} : { body: JSON.stringify(body) })
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? null : JSON.parse(text) }
  }

  /** Pins and unpins, half of it for CIDs that others use too, until the peer is gone. */
  async function busy ({ key, promised, lane, next, stop }: User & { lane: number, next: () => number, stop: AbortSignal }): Promise<void> {
    while (!stop.aborted) {
      const mine = [...promised.there.keys()][lane * 3]
      try {
        if (mine != null && promised.there.size > 40) {
          promised.there.delete(mine)
          promised.maybe.add(mine)
          const { status } = await call({ key }, 'DELETE', `/api/pinning/pins/${mine}`)
          if (status === 202) promised.gone.add(mine)
        } else {
          const cid = inlineCid(`kill ${next()}`)
          const { status, body } = await call({ key }, 'POST', '/api/pinning/pins', { cid, name: 'kill', meta: { lane: String(lane) } })
          if (status === 201) promised.there.set(body.requestid, parseCid(cid).toString())
        }
      } catch {
        return // killed
      }
    }
  }

  async function allPins (user: User): Promise<Array<{ requestid: string, pin: { cid: string } }>> {
    const pins: Array<{ requestid: string, created: string, pin: { cid: string } }> = []
    for (let before = ''; ;) {
      const { body } = await call(user, 'GET', `/api/pinning/pins?${everyStatus}&limit=1000${before === '' ? '' : `&before=${before}`}`)
      pins.push(...body.results)
      if (body.results.length < 1000) return pins
      before = body.results.at(-1).created
    }
  }

  async function checkPromises (user: User): Promise<void> {
    const { there, gone } = user.promised
    const known = new Map((await allPins(user)).map(({ requestid, pin }) => [requestid, pin.cid]))

    assert.deepEqual([...there].filter(([id, cid]) => known.get(id) !== cid), [])
    assert.deepEqual([...gone].filter(id => known.has(id)), [])
    for (const [id, cid] of known) there.set(id, cid)
    gone.clear()
  }

  async function checkAgreement (users: readonly User[]): Promise<void> {
    const wanted = new Set((await Promise.all(users.map(allPins))).flat().map(({ pin }) => pin.cid))
    const pinset = async (): Promise<string[]> => (await jsonLines(await fetch(`${peer.url}/allocations`))).map(({ cid }) => cid)
    await pollUntil(async () => {
      const now = await pinset()
      return now.length === wanted.size && now.every(cid => wanted.has(cid))
    }, { withinMs: 20_000, everyMs: 50, what: `a pinset of the ${wanted.size} CIDs that are wanted` })

    for (const user of users) {
      const cids = new Set((await allPins(user)).map(({ pin }) => pin.cid))
      const bytes = [...cids].reduce((sum, cid) => sum + (parseCid(cid).multihash.digest.length), 0)
      await pollUntil(
        async () => (await call(user, 'GET', '/api/v1/users/status')).body.data.used_bytes === bytes,
        { withinMs: 20_000, everyMs: 50, what: `an account that uses ${bytes} bytes` }
      )
    }
  }
})
