import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../src/base/system.ts'
import { memoryDatastore } from '../support/memory-datastore.ts'
import { CID } from '../../src/model/cid.ts'
import type { Pin } from '../../src/model/pin.ts'
import { encodeHeads } from '../../src/wire/broadcast.ts'
import { pinKey } from '../../src/wire/pin-key.ts'
import { encodePin } from '../../src/wire/pin.ts'
import { crdtPeer } from '../support/crdt-peer.ts'
import { cidFor, listedPins, pinFor } from '../support/pins.ts'
import { Dice } from '../sim/dice.ts'
import { base64, fromBase64 } from './oracle-program.ts'
import type { Oracle } from './oracle-program.ts'

/** A pin to be stored, or the name of one to be removed. */
export type Wish = Pin | { remove: string }

/** What a replica holds: its heads, and the encoded pins by key. */
export interface View { heads: string[], height: number, values: Record<string, string>, isBusy: boolean }

/** One replica of the CRDT, ours or go-ds-crdt's. */
export interface Replica {
  readonly name: string
  /** `together`: in one delta. */
  write (wishes: readonly Wish[], together: boolean): Promise<void>
  /** Announcements made since the last call. */
  said (): Promise<Uint8Array[]>
  hear (announcement: Uint8Array): Promise<void>
  view (): Promise<View>
  close (): Promise<void>
}

const pinOf = (wish: Wish): Pin | undefined => 'remove' in wish ? undefined : wish
const cidOf = (wish: Wish): CID => 'remove' in wish ? cidFor(wish.remove) : wish.cid

export async function goReplica (oracle: Oracle, name: string): Promise<Replica> {
  await oracle.ask('open', { replica: name })
  return {
    name,
    write: async (wishes, together) => {
      const changes = wishes.map(wish => {
        const pin = pinOf(wish)
        return { key: pinKey(cidOf(wish)), value: pin == null ? null : base64(encodePin(pin)) }
      })
      await oracle.ask('write', { replica: name, changes, batch: together })
    },
    said: async () => (await oracle.ask<string[] | null>('said', { replica: name }) ?? []).map(fromBase64),
    hear: async data => { await oracle.ask('deliver', { replica: name, data: base64(data) }) },
    view: async () => {
      const { heads, height, queued, values } = await oracle.ask<{
        heads: string[], height: number, queued: number, values: Array<{ key: string, value: string }>
      }>('view', { replica: name })
      return { heads, height, values: Object.fromEntries(values.map(({ key, value }) => [key, value])), isBusy: queued > 0 }
    },
    close: async () => { await oracle.ask('close', { replica: name }) }
  }
}

/** Our CRDT, over a datastore in memory; its blocks go to the oracle's pool as soon as they are stored, and it takes others' from there. */
export async function ourReplica (oracle: Oracle, name: string): Promise<Replica> {
  const said: Uint8Array[] = []
  let hear: (announcement: Uint8Array) => void = () => {}
  const given = new Set<Promise<unknown>>()
  const { consensus, start, stop } = crdtPeer({
    datastore: memoryDatastore(),
    clock: systemClock,
    broadcast: {
      publish: async (_topic, data) => { said.push(data) },
      subscribe: (_topic, handler) => {
        hear = data => handler({ from: 'another', data })
        return () => {}
      }
    },
    exchange: {
      fetch: async (cid, { signal }) => {
        for (;;) {
          const bytes = await oracle.ask<string>('block', { cid: cid.toString() }).catch(() => undefined)
          if (bytes != null) return fromBase64(bytes)
          await sleep(2, undefined, { signal })
        }
      },
      offer: (cid, bytes) => {
        const giving = oracle.ask('give', { cid: cid.toString(), bytes: base64(bytes) }).finally(() => given.delete(giving))
        given.add(giving)
      }
    }
  })
  await start()
  const act = async (wish: Wish): Promise<void> => {
    const pin = pinOf(wish)
    await (pin == null ? consensus.remove(cidOf(wish)) : consensus.put(pin))
  }
  return {
    name,
    write: async (wishes, together) => {
      if (together) await Promise.all(wishes.map(act))
      else for (const wish of wishes) await act(wish)
      await Promise.all(given)
    },
    said: async () => said.splice(0),
    hear: async data => { hear(data) },
    view: async () => {
      const { heads, height, behind } = consensus.progress()
      const values = (await listedPins(consensus.state)).map(pin => [pinKey(pin.cid), base64(encodePin(pin))])
      return { heads: heads.map(String).toSorted(), height, values: Object.fromEntries(values), isBusy: behind }
    },
    close: stop
  }
}

export interface Schedule { seed: number, steps: number, items: number }

/** Lets replicas write, talk, mishear and repeat as the seed says, until all has been heard by all; gives what each then holds. */
export async function runSchedule (
  replicas: readonly Replica[], { seed, steps, items }: Schedule
): Promise<Array<View & { name: string }>> {
  const dice = new Dice(seed)
  const mail = new Map<Replica, Uint8Array[]>(replicas.map(replica => [replica, []]))
  const collect = async (): Promise<void> => {
    for (const replica of replicas) {
      for (const data of await replica.said()) {
        for (const [other, box] of mail) if (other !== replica && !dice.chance(0.2)) box.push(data)
      }
    }
  }
  for (let step = 0; step < steps; step++) {
    const replica = dice.pick(replicas)
    if (dice.chance(0.5)) {
      const wishes = Array.from({ length: dice.chance(0.3) ? dice.whole(2, 5) : 1 }, () => wishBy(dice, items))
      await replica.write(distinct(wishes), dice.chance(0.5))
      await collect()
    } else await deliverSome(mail.get(replica) ?? [], replica, dice)
  }
  for (const [replica, box] of mail) for (const data of box) await replica.hear(data)
  return await settled(replicas)
}

function wishBy (dice: Dice, items: number): Wish {
  const text = `item ${dice.whole(1, items)}`
  if (dice.chance(0.3)) return { remove: text }
  // few names: replicas often write the same value, or values that differ in one byte only
  return { ...pinFor(text), name: `name ${dice.whole(1, 4)}` }
}

/** One wish an item: within one delta the order of several would be each replica's own business. */
const distinct = (wishes: readonly Wish[]): Wish[] => [...new Map(wishes.map(wish => [cidOf(wish).toString(), wish])).values()]

async function deliverSome (box: Uint8Array[], to: Replica, dice: Dice): Promise<void> {
  for (let left = dice.whole(0, box.length); left > 0; left--) {
    const at = dice.whole(0, box.length - 1)
    const data = box[at]
    if (data == null) return
    await to.hear(data)
    if (!dice.chance(0.1)) box.splice(at, 1)
  }
}

/** Tells everybody everybody's heads until nothing moves any more. */
async function settled (replicas: readonly Replica[]): Promise<Array<View & { name: string }>> {
  const until = performance.now() + 15_000
  let last = ''
  for (;;) {
    const views = await Promise.all(replicas.map(async replica => ({ ...await replica.view(), name: replica.name })))
    const heads = new Set(views.flatMap(view => view.heads))
    const now = JSON.stringify(views)
    if ((now === last && views.every(view => !view.isBusy)) || performance.now() > until) return views
    last = now
    for (const replica of replicas) await replica.hear(encodeHeads([...heads].map(head => CID.parse(head))))
    await sleep(10)
  }
}

