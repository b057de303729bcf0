import type { Alert, Metric } from '../../../src/client/types.ts'
import type { CommandLine } from '../usage/command.ts'
import type { CtlContext } from '../context.ts'
import { exitCodes } from '../failure.ts'
import { alertFormat } from '../print/formats.ts'
import { relativeTime } from '../print/humanize.ts'
import type { Table } from '../print/table.ts'

/** What ran out at one peer, and hasn't come again. */
interface SilentPeer { peer: string, name: string, metrics: string[], expiredAt: number }

/** `health alerts`. */
export async function showAlerts (_line: CommandLine, { client, printer, clock, signal }: CtlContext): Promise<number> {
  const alerts = await client.alerts({ signal })
  if (printer.encoding !== 'table') {
    await printer.all(alerts, alertFormat(clock.now()))
    return exitCodes.done
  }
  const names = [...new Set(alerts.map(({ name }) => name))]
  const valid = (await Promise.all(names.map(async name => client.metrics(name, { signal })))).flatMap(metrics => metrics ?? [])
  await printer.all(silentPeers(alerts, valid), { text: ({ peer }) => `${peer}\n`, json: one => one, table: silentTable(clock.now()) })
  return exitCodes.done
}

/** One for each peer; what is valid again is no news any more. The newest alert of each metric counts: the peer's list has it first. */
export function silentPeers (alerts: readonly Alert[], valid: ReadonlyArray<Pick<Metric, 'name' | 'peer'>>): SilentPeer[] {
  const isBack = new Set(valid.map(({ name, peer }) => `${name} ${peer}`))
  const peers = new Map<string, SilentPeer>()
  for (const { name, peer, value, expire } of alerts) {
    if (isBack.has(`${name} ${peer}`)) continue
    const known = peers.get(peer) ?? { peer, name: '', metrics: [], expiredAt: Number(expire) / 1e6 }
    if (!known.metrics.includes(name)) known.metrics.push(name)
    if (name === 'ping' && known.name === '') known.name = peerNameOf(value)
    known.expiredAt = Math.min(known.expiredAt, Number(expire) / 1e6)
    peers.set(peer, known)
  }
  return [...peers.values()]
}

function peerNameOf (ping: string): string {
  try {
    const { peer_name: name } = JSON.parse(ping) as { peer_name?: unknown }
    return typeof name === 'string' ? name : ''
  } catch {
    return ''
  }
}

const silentTable = (now: number): Table<SilentPeer> => ({
  columns: ['PEER', 'NAME', 'METRICS', 'RAN OUT'],
  rows: ({ peer, name, metrics, expiredAt }) =>
    [[peer, name === '' ? '-' : name, { text: metrics.toSorted().join(', '), style: 'red' }, relativeTime(expiredAt, now)]]
})
