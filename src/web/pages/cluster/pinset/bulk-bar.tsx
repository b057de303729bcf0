import { useEffect, useRef, useState } from 'preact/hooks'
import type { Pin } from '../../../../client/types.ts'
import { cluster } from '../../../data/clients.ts'
import { countText } from '../../../data/format.ts'
import { actionError, invalidate } from '../../../data/query.ts'
import { Button } from '../../../ui/controls/button.tsx'
import { confirm } from '../../../ui/feedback/confirm.tsx'
import { Progress } from '../../../ui/feedback/progress.tsx'
import { toast } from '../../../ui/feedback/toast.tsx'
import { forMany } from './many.ts'
import type { ManyProgress } from './many.ts'
import type { Told } from './pin-actions.tsx'
import { optionsOf } from './pin-options.ts'

export interface BulkBarProps { selected: ReadonlySet<string>, clear: () => void, told: Told }

const pinsText = (count: number): string => count === 1 ? '1 pin' : `${countText(count)} pins`

/** What can be done with many pins at once. */
export function BulkBar ({ selected, clear, told }: BulkBarProps) {
  const { running, run, stop } = useRun()
  const { recover, unpin } = actionsOn({ selected, clear, told }, run)

  if (running != null) {
    const { what, progress: { done, failed, total } } = running
    return <div class="pinset-bulk">
      <Progress label={what} value={done + failed} max={total} text={`${countText(done + failed)} of ${countText(total)}`}/>
      <Button size="small" onClick={stop}>Stop</Button>
    </div>
  }
  if (selected.size === 0) return null
  return <div class="pinset-bulk" role="group" aria-label="Selected pins">
    <strong>{pinsText(selected.size)} selected</strong>
    <Button size="small" icon="refresh" onClick={() => { void recover() }}>Try again</Button>
    <Button size="small" kind="danger" icon="unpin" onClick={() => { void unpin() }}>Unpin</Button>
    <Button size="small" kind="quiet" onClick={clear}>Clear</Button>
  </div>
}

type Run = (what: string, cids: readonly string[], act: (cid: string) => Promise<unknown>) => Promise<ManyProgress>

/** Does something with one pin after the other, and tells how far it is. It ends with the bar. */
function useRun (): { running: { what: string, progress: ManyProgress } | null, run: Run, stop: () => void } {
  const [running, setRunning] = useState<{ what: string, progress: ManyProgress } | null>(null)
  const abort = useRef<AbortController | undefined>(undefined)
  useEffect(() => () => abort.current?.abort(), [])

  const run: Run = async (what, cids, act) => {
    const controller = abort.current = new AbortController()
    let reason: unknown
    setRunning({ what, progress: { done: 0, failed: 0, total: cids.length } })
    const end = await forMany(cids, act, { signal: controller.signal, onProgress: progress =>
      setRunning({ what, progress }), onFailed: (_, err) => {
      reason ??= err
    } })
    setRunning(null)
    invalidate('cluster/')
    if (end.failed > 0) toast(`${pinsText(end.failed)} failed: ${actionError(reason)}`, { tone: 'bad' })
    return end
  }
  return { running, run, stop: () => abort.current?.abort() }
}

function actionsOn ({ selected, clear, told }: BulkBarProps, run: Run): Record<'recover' | 'unpin', () => Promise<void>> {
  const recover = async (): Promise<void> => {
    const { done } = await run('Trying again', [...selected], async cid => {
      await cluster.recover(cid)
      told.changed(cid)
    })
    if (done > 0) toast(`${pinsText(done)} ${done === 1 ? 'is' : 'are'} tried again where they failed.`, { tone: 'good' })
    clear()
  }
  const unpin = async (): Promise<void> => {
    const count = selected.size
    const text = 'All peers give them up, and collect their blocks with the next garbage collection.'
    if (!await confirm({
      title: `Unpin ${pinsText(count)}?`, text, action: `Unpin ${pinsText(count)}`, tone: 'bad',
      ...(count > typedFrom ? { typed: String(count) } : {})
    })) return
    const removed: Pin[] = []
    const { done } = await run('Unpinning', [...selected], async cid => {
      const pin = await cluster.allocation(cid)
      await cluster.unpin(cid)
      removed.push(pin)
      told.gone(cid)
    })
    clear()
    if (done > 0) toast(`${pinsText(done)} ${done === 1 ? 'is' : 'are'} unpinned.`, { tone: 'good', action: { label: 'Undo', run: () => { void pinAgain(removed) } } })
  }
  const pinAgain = async (pins: readonly Pin[]): Promise<void> => {
    const byCid = new Map(pins.map(pin => [pin.cid, pin]))
    const { done } = await run('Pinning again', [...byCid.keys()], async cid => {
      const pin = byCid.get(cid)
      if (pin != null) await cluster.pin(cid, optionsOf(pin))
    })
    told.changed('')
    if (done > 0) toast(`${pinsText(done)} ${done === 1 ? 'is' : 'are'} pinned again.`, { tone: 'good' })
  }
  return { recover, unpin }
}

/** More than these have to be meant. */
const typedFrom = 100
