import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { Pin } from '../../../../client/types.ts'
import { cluster } from '../../../data/clients.ts'
import { shortCid, shownName } from '../../../data/format.ts'
import { actionError, invalidate, useAction } from '../../../data/query.ts'
import { confirm } from '../../../ui/feedback/confirm.tsx'
import type { MenuItem } from '../../../ui/controls/menu.tsx'
import { toast } from '../../../ui/feedback/toast.tsx'
import { CopiesDialog } from './copies-dialog.tsx'
import { MoveDialog } from './move-dialog.tsx'
import { optionsOf } from './pin-options.ts'

/** What has to be known of a pin to do something with it. */
export interface Subject { cid: string, name: string }

/** What can be done with a pin, and the dialogs that it takes. */
export interface PinActions {
  recover: (pin: Subject) => void
  unpin: (pin: Subject) => void
  changeCopies: (pin: Subject) => void
  move: (pin: Subject) => void
  isBusy: boolean
  /** The dialogs; to be drawn somewhere. */
  dialogs: ComponentChildren
}

/** Who has to hear of it. */
export interface Told { /** Something of the pin has changed. */ changed: (cid: string) => void, /** It isn't in the pinset any more. */ gone: (cid: string) => void }

/** What a pin is called in a sentence: its name, or the short CID. */
export const pinTitle = ({ cid, name }: Subject): string => name === '' ? shortCid(cid) : shownName(name)

/** What can be done with a pin; one of these serves a whole list. */
export function usePinActions ({ changed, gone }: Told): PinActions {
  const [open, setOpen] = useState<{ kind: 'copies' | 'move', pin: Pin } | null>(null)
  const done = (cid: string): void => {
    invalidate('cluster/')
    changed(cid)
  }
  const recovery = useAction(async (pin: Subject) => {
    await cluster.recover(pin.cid)
    return pin
  }, { done: pin => {
    toast(`${pinTitle(pin)} is tried again where it failed.`, { tone: 'good' })
    done(pin.cid)
  } })
  const opening = useAction(async (
    kind: 'copies' | 'move', { cid }: Subject
  ) => ({ kind, pin: await cluster.allocation(cid) }), { done: setOpen })
  const unpinning = useAction(async ({ cid }: Subject) => {
    const pin = await cluster.allocation(cid)
    await cluster.unpin(cid)
    return pin
  }, { done: pin => {
    gone(pin.cid)
    invalidate('cluster/')
    toast(`${pinTitle(pin)} is unpinned.`, { tone: 'good', action: { label: 'Undo', run: () => { void pinAgain(pin, () => done(pin.cid)) } } })
  } })
  const unpin = async (pin: Subject): Promise<void> => {
    const text = 'All peers give it up, and collect its blocks with the next garbage collection. Whoever has the content can pin it again.'
    if (await confirm({ title: `Unpin ${pinTitle(pin)}?`, text, action: 'Unpin', tone: 'bad' })) await unpinning.run(pin)
  }
  const close = (): void => setOpen(null)
  const finished = (): void => {
    close()
    if (open != null) done(open.pin.cid)
  }
  return {
    recover: pin => { void recovery.run(pin) },
    unpin: pin => { void unpin(pin) },
    changeCopies: pin => { void opening.run('copies', pin) },
    move: pin => { void opening.run('move', pin) },
    isBusy: recovery.isRunning || opening.isRunning || unpinning.isRunning,
    dialogs: open == null ? null : open.kind === 'copies' ? <CopiesDialog pin={open.pin} onClose={close}
      onDone={finished}/> : <MoveDialog pin={open.pin} onClose={close} onDone={finished}/>
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

/** The actions as a menu's items. */
export const menuOf = ({ recover, unpin, changeCopies, move }: PinActions, pin: Subject): ReadonlyArray<MenuItem | 'separator'> => [
  { id: 'recover', label: 'Try again what failed', icon: 'refresh', run: () => recover(pin) },
  { id: 'copies', label: 'Change copies', icon: 'copy', run: () => changeCopies(pin) },
  { id: 'move', label: 'Move to another peer', icon: 'move', run: () => move(pin) },
  'separator',
  { id: 'unpin', label: 'Unpin', icon: 'unpin', tone: 'bad', run: () => unpin(pin) }
]
