import type { ClusterSync, PeerSync, PinsetDiff } from '../../../src/client/types.ts'
import type { CommandLine } from '../usage/command.ts'
import type { CtlContext } from '../context.ts'
import { CommandFailed, exitCodes } from '../failure.ts'
import { counted } from '../print/humanize.ts'
import { nameAndId, peerLabels } from '../print/peer-labels.ts'
import type { Format } from '../print/printer.ts'
import type { Table } from '../print/table.ts'

/** Ends with 1 when a trusted peer is out of sync. */
export async function showSync (_line: CommandLine, { client, printer, signal }: CtlContext): Promise<number> {
  const sync = await client.sync({ signal })
  if (printer.encoding === 'table') await printer.all(sync.peers, peerSyncFormat(peerLabels(sync.peers), sync.own))
  else printer.one(sync, syncFormat)
  return sync.peers.some(({ trusted, state }) => trusted && state === 'out_of_sync') ? exitCodes.failed : exitCodes.done
}

/** `health diff ONE OTHER`: in what two peers' pinsets differ. */
export async function showDiff (
  { args: [one = '', other = ''], flags }: CommandLine, { client, printer, signal }: CtlContext
): Promise<number> {
  if (one === '' || other === '') throw new CommandFailed('error : name two peers: their IDs, or the names of members')
  const peers = await Promise.all([one, other].map(async text => peerNamed(text, { client, signal })))
  const diff = await client.pinsetDiff(peers[0] ?? '', peers[1] ?? '', { repair: flags.yes('repair'), signal })
  printer.one(diff, diffFormat)
  return diff.pins.length > 0 ? exitCodes.failed : exitCodes.done
}

/** A peer ID, or the ID of the member with that name, or else of a peer that is missing. */
export async function peerNamed (text: string, { client, signal }: Pick<CtlContext, 'client' | 'signal'>): Promise<string> {
  const { normalPeerId } = await import('../../../src/config/peer-id-text.ts')
  const peer = normalPeerId(text)
  if (peer != null) return peer
  const named = { members: [] as string[], missing: [] as string[] }
  for await (const { id, peername, error } of client.peers({ missing: true, signal })) {
    if (peername === text) named[error === '' ? 'members' : 'missing'].push(id)
  }
  const found = named.members.length > 0 ? named.members : named.missing
  if (found.length !== 1 || found[0] == null) {
    const why = found.length === 0
      ? `neither a peer ID nor the name of a peer: ${text} (\`peers ls\` shows both)`
      : `several peers have this name: ${text}. Take the ID: ${found.join(', ')}`
    throw new CommandFailed(`error parsing peer ID: ${why}`)
  }
  return found[0]
}

const words: Readonly<Record<PeerSync['state'], string>> = {
  in_sync: 'in sync', ahead: 'has changes that are not here yet', behind: 'has not got all changes of this peer', differs: 'differs',
  out_of_sync: 'OUT OF SYNC', unknown: 'not known'
}

/** In sync is, too, whose latest digest is from before the latest changes, or after them: that is said. */
function stateOf ({ state, trusted, digest }: PeerSync, own: ClusterSync['own']): string {
  const isOnTheWay = state === 'in_sync' && digest != null && own != null && digest !== own.digest
  return `${isOnTheWay ? 'was in sync, changes are on their way' : words[state]}${trusted ? '' : ', not trusted'}`
}

const pinsOf = ({ pins, digest }: PeerSync): string =>
  pins == null || digest == null ? 'tells its heads only' : `${pins} pins, digest ${digest.slice(0, 12)}`

const syncTable = (label: ReturnType<typeof peerLabels>, own: ClusterSync['own']): Table<PeerSync> => ({
  columns: ['PEER', 'STATE', 'SINCE', 'PINS', 'DIGEST'],
  rows: one => [
    [label(one), stateOf(one, own), one.since ?? '-', one.pins == null ? '-' : String(one.pins), one.digest?.slice(0, 12) ?? '-']
  ]
})

const peerSyncFormat = (label: ReturnType<typeof peerLabels>, own: ClusterSync['own']): Format<PeerSync> => ({
  text: one => `${nameAndId(one)}: ${stateOf(one, own)}\n`, json: one => ({ ...one }), table: syncTable(label, own)
})

const syncFormat: Format<ClusterSync> = {
  text: ({ own, peers }) => [
    own == null
      ? 'this peer: is counting its pinset'
      : `this peer: ${own.pins} pins, digest ${own.digest.slice(0, 12)}${own.complete ? '' : ', blocks are missing'}`,
    ...peers.map(one => `${nameAndId(one)}: ${stateOf(one, own)}${one.since == null ? '' : ` since ${one.since}`}; ${pinsOf(one)}`)
  ].map(line => `${line}\n`).join(''),
  json: sync => ({ ...sync })
}

const differText = (count: number, more: boolean): string =>
  more ? `${count} or more pins differ` : `${counted(count, 'pin')} ${count === 1 ? 'differs' : 'differ'}`

const diffFormat: Format<PinsetDiff> = {
  text: ({ one, other, pins, more, same_heads: isSameHeads, repair }) => [
    ...pins.map(pin => `${pin.cid}: ${pin.one == null ? `only on ${other}` : pin.other == null ? `only on ${one}` : 'not the same pin'}`),
    pins.length === 0
      ? 'no pin differs'
      : `${differText(pins.length, more)}${isSameHeads ? '' : '; the peers have different heads: changes may be under way'}`,
    ...(repair ?? []).map(({ peer, lost_blocks: lost, mended }) =>
      `${peer}: ${counted(mended, 'pin')} repaired, ${counted(lost, 'lost block')} ${lost === 1 ? 'is' : 'are'} fetched again`)
  ].map(line => `${line}\n`).join(''),
  json: diff => ({ ...diff })
}
