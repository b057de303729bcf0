import { setTimeout as sleep } from 'node:timers/promises'
import type { Dice } from '../sim/dice.ts'
import { inlineCid } from '../support/service-peer.ts'
import { contentOf, fileForm } from './service-content.ts'
import type { UserFile } from './service-content.ts'
import type { ServiceAnswer, ServiceAsk, ServiceRequests } from './service-requests.ts'

export interface ServiceUserInit { number: number, thinkMs: number }
export interface ServiceUserDeps { requests: ServiceRequests, dice: Dice }

/** Something that was answered otherwise than it should be. */
export class WrongAnswer extends Error {}

interface Kept extends UserFile { name: string, isStaged: boolean, parity: string }
type Act = () => Promise<void>

const password = 'a long enough password 1'
/** With so many, a user rather deletes. */
const fullFiles = 12
const fullPins = 8
const smallBytes = [200, 65_536] as const
const middleBytes = [1_000_000, 4_000_000] as const

/**
 * Somebody who signs up, makes a key, and then uploads, pins, lists, reads and deletes, one thing after the other. Every answer is
 * compared with what the user knows. Throws WrongAnswer, or what the connection throws.
 */
export class ServiceUser {
  readonly #init: ServiceUserInit
  readonly #deps: ServiceUserDeps
  readonly #files = new Map<string, Kept>()
  /** CIDs by request ID. */
  readonly #pins = new Map<string, { cid: string, name: string }>()
  readonly #address: string
  #account = ''
  #key = ''
  #made = 0

  constructor (init: ServiceUserInit, deps: ServiceUserDeps) {
    this.#init = init
    this.#deps = deps
    this.#address = `198.51.${100 + Math.floor(init.number / 250)}.${1 + init.number % 250}`
  }

  /** Signs up, and makes the key that is used from then on. */
  async begin (): Promise<void> {
    const json = { email: `user${this.#init.number}-${this.#made++}@example.com`, password }
    const { data } = await this.#json('register', 201, '/api/v1/users/register', { method: 'POST', json })
    this.#account = String(data.api_key)
    this.#key = this.#account
    await this.#newKey()
  }

  /** One thing after the other until the signal aborts. */
  async work (signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#next()()
      await sleep(this.#init.thinkMs)
    }
  }

  /** What the service says otherwise than the user knows, when all is done. */
  async differences (): Promise<string[]> {
    const { data: files } = await this.#json('last look', 200, '/api/v1/files')
    const { data: status } = await this.#json('last look', 200, '/api/v1/users/status')
    const wanted = [...this.#files.keys(), ...[...this.#pins.values()].map(({ cid }) => cid)].toSorted()
    const listed = files.map(({ cid }: { cid: string }) => cid).toSorted()
    const due = (cid: string): string => this.#files.get(cid)?.isStaged === true ? 'staged' : 'pinned'
    const busy = files.filter(({ cid, state }: { cid: string, state: string }) => state !== due(cid))
    const bytes = [...this.#files.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    return [
      ...(wanted.join() === listed.join() ? [] : [`lists ${listed.length} files and pins, should be ${wanted.length}`]),
      ...busy.map(({ cid, state }: { cid: string, state: string }) => `${cid} is ${state}`),
      ...(status.total_size_bytes === bytes ? [] : [`has ${status.total_size_bytes} bytes, should be ${bytes}`])
    ].map(text => `user ${this.#init.number} ${text}`)
  }

  #next (): Act {
    const { dice } = this.#deps
    const hasRoom = this.#files.size < fullFiles
    const upload = (kind: string, between: readonly [number, number], isStaged = false): Act =>
      async () => this.#upload(kind, { sizeBytes: dice.whole(...between), isStaged })
    const acts: ReadonlyArray<readonly [number, Act]> = [
      [hasRoom ? 22 : 0, upload('small upload', smallBytes)],
      [hasRoom ? 4 : 0, upload('middle upload', middleBytes)],
      [hasRoom ? 10 : 0, upload('upload on access', smallBytes, true)],
      [this.#files.size > 0 ? 12 : 0, async () => this.#read()],
      [this.#files.size > 0 ? 6 : 0, async () => this.#look()],
      [14, async () => this.#list()],
      [this.#pins.size < fullPins ? 10 : 0, async () => this.#pin()],
      [this.#pins.size > 0 ? 5 : 0, async () => this.#listPins()],
      [this.#pins.size > 0 ? 8 : 0, async () => this.#unpin()],
      [this.#files.size > 0 ? 20 : 0, async () => this.#remove()],
      [this.#files.size > 2 ? 4 : 0, async () => this.#removeMany()],
      [3, async () => this.#newKey()],
      [3, async () => { await this.#json('status', 200, '/api/v1/users/status') }],
      [0.1, async () => this.#leave()]
    ]
    let left = dice.float() * acts.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, act] of acts) {
      left -= weight
      if (left < 0) return act
    }
    return async () => this.#list()
  }

  async #upload (kind: string, { sizeBytes, isStaged }: { sizeBytes: number, isStaged: boolean }): Promise<void> {
    const number = this.#made++
    const [name, parity] = [`file-${number}.${number % 5 === 0 ? 'jpg' : 'txt'}`, String(number % 2)]
    const content = contentOf({ number, sizeBytes }, this.#init.number)
    const query = new URLSearchParams({ pin: isStaged ? 'on-access' : 'now', meta: JSON.stringify({ parity }) })
    const path = `/api/v1/files/upload?${query.toString()}`
    const { data } = await this.#json(kind, 201, path, { method: 'POST', body: fileForm(name, content) })
    this.#demand(data.size === sizeBytes && data.original_filename === name, `${kind} of ${sizeBytes} bytes: ${JSON.stringify(data)}`)
    this.#files.set(data.cid, { number, sizeBytes, name, isStaged, parity })
  }

  /** As a stranger, at the gateway: what was only staged is pinned by it. */
  async #read (): Promise<void> {
    const [cid, file] = this.#anyFile()
    const kind = file.isStaged ? 'first read' : 'read'
    const address = this.#address
    const sent = await this.#deps.requests.ask(`${kind}: redirect`, `/api/gateway/${cid}`, { address })
    const { location = '' } = sent.headers
    const isSentOn = sent.status === 302 && location === `/ipfs/${cid}`
    this.#demand(isSentOn, `gateway of ${cid}: ${sent.status} ${location} ${sent.bytes.toString()}`)
    file.isStaged = false
    const { status, bytes } = await this.#deps.requests.ask(`${kind}: content`, location, { address })
    this.#demand(status === 200, `${kind} of ${cid}: ${status} ${bytes.toString('utf8', 0, 300)}`)
    this.#demand(bytes.equals(contentOf(file, this.#init.number)), `${kind} of ${cid} gave ${bytes.length} other bytes`)
  }

  async #look (): Promise<void> {
    const [cid, file] = this.#anyFile()
    const { data } = await this.#json('details', 200, `/api/v1/files/${cid}`)
    const isRight = data.original_filename === file.name && data.size === file.sizeBytes
    this.#demand(isRight, `details of ${cid}: ${JSON.stringify(data)}`)
  }

  async #list (): Promise<void> {
    const { dice } = this.#deps
    const parity = dice.pick(['0', '1'])
    const [kind, query, fits] = dice.pick<readonly [string, Record<string, string>, (file: Kept) => boolean]>([
      ['list', {}, () => true],
      ['list by size', { sort: '-size_bytes', limit: '5' }, () => true],
      ['list by name', { q: '.JPG', sort: 'original_filename' }, ({ name }) => name.endsWith('.jpg')],
      ['list by metadata', { meta: JSON.stringify({ parity }) }, file => file.parity === parity],
      ['list by state', { state: 'staged' }, ({ isStaged }) => isStaged]
    ])
    const { data } = await this.#json(kind, 200, `/api/v1/files?${new URLSearchParams(query).toString()}`)
    const listed = data.filter(({ origin }: { origin: string }) => origin === 'upload').map(({ cid }: { cid: string }) => cid)
    const wanted = [...this.#files].filter(([, file]) => fits(file)).map(([cid]) => cid)
    const strange = listed.filter((cid: string) => !wanted.includes(cid))
    const isWhole = query['limit'] != null || listed.length === wanted.length
    this.#demand(strange.length === 0 && isWhole, `${kind}: ${listed.length} files, should be ${wanted.length}`)
  }

  async #pin (): Promise<void> {
    const number = this.#made++
    const [cid, name] = [inlineCid(`user ${this.#init.number} pins ${number}`), `pin-${number}`]
    const json = { cid, name, meta: { parity: String(number % 2) } }
    const made = await this.#json('pin', 201, '/api/pinning/pins', { method: 'POST', json })
    this.#pins.set(made.requestid, { cid: made.pin.cid, name })
  }

  async #listPins (): Promise<void> {
    const { dice } = this.#deps
    const [id, { cid, name }] = dice.pick([...this.#pins])
    const query = dice.pick<Record<string, string>>([{ cid }, { name }, {}])
    const all = new URLSearchParams({ status: 'queued,pinning,pinned,failed', ...query })
    const { results } = await this.#json('list of pins', 200, `/api/pinning/pins?${all.toString()}`)
    const areKnown = results.every(({ requestid }: { requestid: string }) => this.#pins.has(requestid))
    const wanted = Object.keys(query).length === 0 ? this.#pins.size : 1
    const isRight = areKnown && results.length === wanted
    this.#demand(isRight, `list of pins by ${JSON.stringify(query)}: ${results.length}, should be ${wanted}, with ${id}`)
  }

  async #unpin (): Promise<void> {
    const [id] = this.#deps.dice.pick([...this.#pins])
    await this.#send('unpin', 202, `/api/pinning/pins/${id}`, { method: 'DELETE' })
    this.#pins.delete(id)
  }

  async #remove (): Promise<void> {
    const [cid] = this.#anyFile()
    await this.#json('delete', 200, `/api/v1/files/${cid}`, { method: 'DELETE' })
    this.#files.delete(cid)
  }

  async #removeMany (): Promise<void> {
    const cids = [...this.#files.keys()].slice(0, 3)
    const { data } = await this.#json('delete three', 200, '/api/v1/files/delete/bulk', { method: 'POST', json: { cids } })
    this.#demand(data.deleted === cids.length, `delete three: ${JSON.stringify(data)}`)
    for (const cid of cids) this.#files.delete(cid)
  }

  /** Another key in the place of the one that was used so far. */
  async #newKey (): Promise<void> {
    const [path, key] = ['/api/v1/users/me/keys', this.#account]
    const { data: keys } = await this.#json('list of keys', 200, path, { key })
    const permissions = ['files:read', 'files:write', 'pins:read', 'pins:write', 'account:read']
    const { data } = await this.#json('new key', 201, path, { method: 'POST', key, json: { name: 'of the day', permissions } })
    this.#key = String(data.api_key)
    for (const { id, kind, revoked_at: end } of keys) {
      if (kind === 'own' && end == null) await this.#json('revoke key', 200, `${path}/${id}`, { method: 'DELETE', key })
    }
  }

  /** Goes with everything, and comes back as somebody new. */
  async #leave (): Promise<void> {
    await this.#json('leave', 202, '/api/v1/users/me', { method: 'DELETE', key: this.#account, json: { password } })
    this.#files.clear()
    this.#pins.clear()
    await this.begin()
  }

  #anyFile (): [string, Kept] { return this.#deps.dice.pick([...this.#files]) }

  async #send (kind: string, status: number, path: string, ask: ServiceAsk = {}): Promise<ServiceAnswer> {
    const answer = await this.#deps.requests.ask(kind, path, { key: this.#key, address: this.#address, ...ask })
    const isRight = answer.status === status
    this.#demand(isRight, `${kind} ${path}: ${answer.status}, should be ${status}: ${answer.bytes.toString('utf8', 0, 300)}`)
    return answer
  }

  async #json (kind: string, status: number, path: string, ask: ServiceAsk = {}): Promise<any> { // any: JSON of whatever was asked
    return JSON.parse((await this.#send(kind, status, path, ask)).bytes.toString())
  }

  #demand (holds: boolean, what: string): void { if (!holds) throw new WrongAnswer(`user ${this.#init.number}: ${what}`) }
}
