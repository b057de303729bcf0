import type { Readiness } from '../../../../client/types.ts'
import { cluster } from '../../../data/clients.ts'
import { invalidate, useAction } from '../../../data/query.ts'
import { Button } from '../../../ui/controls/button.tsx'
import { confirm } from '../../../ui/feedback/confirm.tsx'
import { Notice } from '../../../ui/feedback/notice.tsx'
import { Name, Time } from '../../../ui/display/values.tsx'
import { costText } from './peer-rows.ts'
import type { PeerRow } from './peer-rows.ts'

/** Peers that aren't there, and what each costs. */
export function MissingPeers ({ rows, withActions = true }: { rows: readonly PeerRow[], withActions?: boolean }) {
  const missing = rows.filter(({ state }) => state !== 'up')
  if (missing.length === 0) return null
  return <div class="cluster-costs">{missing.map(row => <MissingPeer key={row.id} row={row} withActions={withActions}/>)}</div>
}

function MissingPeer ({ row, withActions }: { row: PeerRow, withActions: boolean }) {
  const { id, name, state, error, holding, lastSeenMs } = row
  const removal = useRemoval(row)
  const pins = holding?.pins ?? 0
  return <Notice tone={(holding?.alone ?? 0) > 0 ? 'bad' : 'warn'} title={state === 'missing' ? `${name} is missing` : `${name} does not answer`}>
    {state === 'missing'
      ? lastSeenMs == null ? 'It was not heard since this peer began. ' : <>It was heard last <Time at={lastSeenMs}/>. </>
      : <>It still counts as a member: <Name text={error}/>. </>}
    {holding != null && costText(holding)}
    {withActions && <div class="cluster-costs__actions">
      {pins > 0 && <Button size="small" icon="pin" to={`/cluster/pinset?peer=${id}`}>Its pins</Button>}
      <Button size="small" kind="quiet" to={`/cluster/peers/${id}`}>Details</Button>
      {state === 'missing' && pins > 0 && <Button size="small" kind="quiet" icon="move" isBusy={removal.isRunning} onClick={removal.ask}>
        Give its pins to others
      </Button>}
    </div>}
  </Notice>
}

/** Takes a peer out of the cluster: its pins get other holders. */
export function useRemoval ({ id, name, state }: Pick<PeerRow, 'id' | 'name' | 'state'>): { ask: () => void, isRunning: boolean } {
  const { run, isRunning } = useAction(
    async () => cluster.removePeer(id), { success: `All pins of ${name} are allocated to other peers.`, done: () => invalidate('cluster/') }
  )
  const ask = async (): Promise<void> => {
    const isWanted = await confirm({
      title: `Take ${name} out of the allocations?`,
      text: state === 'up'
        ? 'Its pins are allocated to other peers, and it loses each one when another peer has it. It goes on in the background; the peer itself is not stopped.'
        : 'Every pin that is allocated to it is allocated to another peer, which fetches the content from the copies that are left. When the peer comes back, it keeps nothing of them.',
      action: 'Give its pins to others',
      tone: 'bad',
      ...(state === 'up' ? { typed: name } : {})
    })
    if (isWanted) await run()
  }
  return { ask: () => { void ask() }, isRunning }
}

const problemTexts: Readonly<Record<string, { tone: 'bad' | 'warn' | 'info', title: string, text: string }>> = {
  starting: { tone: 'info', title: 'This peer has just begun', text: 'It has not joined the cluster\'s network yet. What these pages show comes in a moment.' },
  behind: { tone: 'warn', title: 'This peer is out of sync', text: 'It knows of changes to the pinset that it has not merged yet. What these pages show may be older than what others see.' },
  dirty: { tone: 'info', title: 'The pinset is being looked through again', text: 'A branch of it was incomplete. It repairs itself in the background.' },
  damaged: { tone: 'warn', title: 'The disk of this peer lost some of the pinset', text: 'It is fetched from the other peers. That everything is back has not been seen yet.' },
  read_only: { tone: 'bad', title: 'This peer can write no pins', text: 'Its disk is full, or takes nothing. Unpinning and collecting garbage still work while there is a reserve.' },
  ipfs_unavailable: { tone: 'bad', title: 'The IPFS node of this peer does not answer', text: 'It can neither pin nor give content until it does.' },
  gossip_silent: { tone: 'bad', title: 'This peer hears nobody', text: 'It is connected to members of the cluster, and none of their messages arrive.' },
  peers_silent: { tone: 'warn', title: 'This peer does not hear everybody', text: 'Messages of some connected members do not arrive.' },
  isolated: { tone: 'warn', title: 'This peer reaches none of the others', text: 'It knows other peers, and none of them is there for it. Its cluster secret may be another one, or its port is closed, or they are all gone.' },
  pins_set_aside: { tone: 'warn', title: 'Pins were set aside', text: 'This peer ended while it pinned them. They are tried again later, apart from the others.' },
  pins_damaged: { tone: 'warn', title: 'Pins of this peer are damaged', text: 'An audit found blocks of them missing. `helia-cluster-ctl audit --status` names them, `audit --repair --all` fetches them again.' },
  out_of_sync: { tone: 'warn', title: 'The pinsets of the peers are not the same', text: 'Which peers differ from this one is told above and in the table of peers.' },
  denylist_broken: { tone: 'warn', title: 'A denylist can not be read', text: 'Its last good rules stay in force.' }
}

/** What is wrong with the peer that is asked. */
export function OwnProblems ({ readiness: { problems } }: { readiness: Readiness }) {
  if (problems.length === 0) return null
  return <div class="cluster-costs">{problems.map(problem => {
    const { tone, title, text } = problemTexts[problem] ?? { tone: 'warn' as const, title: problem, text: 'This peer says so.' }
    return <Notice key={problem} tone={tone} title={title}>{text}</Notice>
  })}</div>
}
