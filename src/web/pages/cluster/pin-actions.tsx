import { useState } from 'preact/hooks'
import type { Pin } from '../../../client/types.ts'
import { cluster } from '../../data/clients.ts'
import { shortCid, shownName } from '../../data/format.ts'
import { actionError, invalidate, useAction } from '../../data/query.ts'
import { confirm } from '../../ui/confirm.tsx'
import type { MenuItem } from '../../ui/menu.tsx'
import { toast } from '../../ui/toast.tsx'
import type { ComponentChildren } from 'preact'
import { CopiesDialog } from './copies-dialog.tsx'
import { MoveDialog } from './move-dialog.tsx'
import { optionsOf } from './pin-options.ts'

export interface PinActions {
  recover: () => void
  unpin: () => void
  changeCopies: () => void
  move: () => void
  isBusy: boolean
  /** The dialogs; to be drawn somewhere. */
  dialogs: ComponentChildren
}

interface Told { /** Something of the pin has changed. */ changed: () => void, /** It isn't in the pinset any more. */ gone: () => void }

/** What can be done with a pin. What has to be known of it for that is asked first. */
export function usePinActions ({ cid, name }: { cid: string, name: string }, { changed, gone }: Told): PinActions {
  const [open, setOpen] = useState<{ kind: 'copies' | 'move', pin: Pin } | null>(null)
  const shown = name === '' ? shortCid(cid) : shownName(name)
  const done = (): void => {
    invalidate('cluster/')
    changed()
  }
  const recovery = useAction(async () => cluster.recover(cid), { success: `${shown} is tried again where it failed.`, done })
  const opening = useAction(async (kind: 'copies' | 'move') => ({ kind, pin: await cluster.allocation(cid) }), { done: setOpen })
  const unpinning = useAction(async () => {
    const pin = await cluster.allocation(cid)
    await cluster.unpin(cid)
    return pin
  }, {
    done: pin => {
      gone()
      invalidate('cluster/')
      toast(`${shown} is unpinned.`, { tone: 'good', action: { label: 'Undo', run: () => { void pinAgain(pin, done) } } })
    }
  })
  const unpin = async (): Promise<void> => {
    const text = 'All peers give it up, and collect its blocks with the next garbage collection. Whoever has the content can pin it again.'
    if (await confirm({ title: `Unpin ${shown}?`, text, action: 'Unpin', tone: 'bad' })) await unpinning.run()
  }
  const close = (): void => setOpen(null)
  const finished = (): void => {
    close()
    done()
  }
  return {
    recover: () => { void recovery.run() },
    unpin: () => { void unpin() },
    changeCopies: () => { void opening.run('copies') },
    move: () => { void opening.run('move') },
    isBusy: recovery.isRunning || opening.isRunning || unpinning.isRunning,
    dialogs: open == null ? null : open.kind === 'copies' ? <CopiesDialog pin={open.pin} onClose={close} onDone={finished}/> : <MoveDialog pin={open.pin} onClose={close} onDone={finished}/>
  }
}

async function pinAgain (pin: Pin, done: () => void): Promise<void> {
  try {
    await cluster.pin(pin.cid, optionsOf(pin))
    toast('It is pinned again.', { tone: 'good' })
    done()
  } catch (err) {
    toast(actionError(err), { tone: 'bad' })
  }
}

export const menuOf = ({ recover, unpin, changeCopies, move }: PinActions): ReadonlyArray<MenuItem | 'separator'> => [
  { id: 'recover', label: 'Try again what failed', icon: 'refresh', run: recover },
  { id: 'copies', label: 'Change copies', icon: 'copy', run: changeCopies },
  { id: 'move', label: 'Move to another peer', icon: 'move', run: move },
  'separator',
  { id: 'unpin', label: 'Unpin', icon: 'unpin', tone: 'bad', run: unpin }
]
