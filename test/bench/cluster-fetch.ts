import { randomBytes } from 'node:crypto'
import { mixedCluster, type Kind } from '../interop/mixed-cluster.ts'
import { bundledProgram, jsonLines, uploadForm } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'
import { residentMiB } from './peers.ts'

const sizeBytes = 100 * 2 ** 20

/**
 * How a peer of this kind fetches a file of 100 MiB that a Go peer's Kubo has: speed, and how much its resident memory (its Kubo included)
 * grew at most.
 */
export async function fetched (kind: Kind): Promise<{ mbPerS: number, extraMiB: number }> {
  const cluster = await mixedCluster(['go', kind], undefined, bundledProgram)
  try {
    for (const index of [0, 1]) await cluster.start(index)
    await cluster.settled()
    const [holder, taker] = [cluster.at(0), cluster.at(1)]
    const added = await jsonLines(
      await fetch(
        `${holder.url}/add?cid-version=1&raw-leaves=true&replication-min=1&replication-max=1&user-allocations=${cluster.id(0)}`,
        { method: 'POST', body: uploadForm([{ name: 'file', bytes: randomBytes(sizeBytes) }]) }
      )
    )
    const { ipfs } = await (await fetch(`${holder.url}/id`)).json() as { ipfs: { addresses: string[] } }
    const origin = ipfs.addresses.find(address => address.startsWith('/ip4/127.0.0.1/tcp/')) ?? ''
    const pids = 'pids' in taker ? (taker as { pids: () => number[] }).pids() : [taker.pid()]
    const before = await residentMiB(pids)
    let most = before
    const { cid } = added.at(-1)

    // who doesn't know the pin yet would make another one at the same time, and either may win
    await pollUntil(async () => (await fetch(`${taker.url}/allocations/${cid}`)).ok, { what: 'the pin at the taker' })

    const from = performance.now()
    const response = await fetch(
      `${taker.url}/pins/${cid}?replication-min=2&replication-max=2&origins=${encodeURIComponent(origin)}`, { method: 'POST' }
    )
    if (!response.ok) throw new Error(await response.text())
    await pollUntil(async () => {
      most = Math.max(most, await residentMiB(pids))
      return (await (await fetch(`${taker.url}/pins/${cid}?local=true`)).text()).includes('"status":"pinned"')
    }, { everyMs: 10, withinMs: 60_000, what: 'the fetch' })
    return { mbPerS: sizeBytes / 1e6 / (performance.now() - from) * 1000, extraMiB: most - before }
  } finally {
    await cluster.remove()
  }
}
