import { useState } from 'preact/hooks'
import type { Pin } from '../../../../client/types.ts'
import { cluster } from '../../../data/clients.ts'
import { errorText } from '../../../data/errors.ts'
import { useAction } from '../../../data/query.ts'
import { Button } from '../../../ui/controls/button.tsx'
import { Select } from '../../../ui/controls/choices.tsx'
import { Dialog } from '../../../ui/feedback/dialog.tsx'
import { Form } from '../../../ui/controls/form.tsx'
import { Notice } from '../../../ui/feedback/notice.tsx'
import { usePeers, usePinsHealth } from '../cluster-queries.ts'
import { isEverywhere } from './pin-options.ts'
import { peerRows, shownPeer } from '../peers/peer-rows.ts'
import type { PeerRow } from '../peers/peer-rows.ts'

/** Gives a pin another peer in the place of one. */
export function MoveDialog ({ pin, onClose, onDone }: { pin: Pin, onClose: () => void, onDone: () => void }) {
  const peers = usePeers()
  const health = usePinsHealth()
  const rows = peers.data == null ? [] : peerRows({ ...peers.data, health: health.data, metrics: [], alerts: [] })
  const holders = pin.allocations ?? []
  const stateOf = (id: string): PeerRow | undefined => rows.find(row => row.id === id)
  const missing = holders.find(id => stateOf(id)?.state === 'missing')
  const [chosen, setFrom] = useState<string>()
  const from = chosen ?? missing ?? holders[0] ?? ''
  const [to, setTo] = useState('')
  const others = rows.filter(({ id, state }) => state === 'up' && !holders.includes(id))
  const move = useAction(
    async () => cluster.movePin(pin.cid, { from, to: to === '' ? [] : [to] }),
    { success: 'The pin is being moved: the old peer keeps it until the new one has it.', failed: () => {}, done: onDone }
  )
  const nameOf = (id: string): string => {
    const row = stateOf(id)
    return `${row?.name ?? shownPeer(id, '')}${row?.state === 'missing' ? ' (missing)' : ''}`
  }
  const isPossible = !isEverywhere(pin) && holders.length > 0 && others.length > 0
  const submit = async (): Promise<void> => { if (isPossible) await move.run() }
  return <Dialog title="Move to another peer" size="small" onClose={onClose} isBusy={move.isRunning} footer={<>
    <Button onClick={onClose} disabled={move.isRunning}>Cancel</Button>
    <Button kind="primary" disabled={!isPossible} isBusy={move.isRunning} onClick={() => { void submit() }}>Move</Button>
  </>}>
    {isEverywhere(pin)
      ? <Notice>The pin is on every peer. Change its copies first: then it has holders that it can be moved between.</Notice>
      : peers.data != null && others.length === 0
        ? <Notice tone="warn">No other peer is there that could take it.</Notice>
        : <Form onSubmit={submit} error={move.error == null ? undefined : errorText(move.error)}>
          <Select label="From" value={from} onChange={setFrom} options={holders.map(id => ({ value: id, label: nameOf(id) }))}/>
          <Select label="To" value={to} onChange={setTo}
            options={[{ value: '', label: 'Whoever has most room' }, ...others.map(({ id, name }) => ({ value: id, label: name }))]}
            hint={stateOf(from)?.state === 'missing' ? 'A missing peer loses it at once; the new peer fetches it from the copies that are left.' : 'The old peer keeps it until the new one has all of it.'}/>
        </Form>}
  </Dialog>
}
