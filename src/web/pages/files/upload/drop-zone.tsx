import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { pickedByDrop, pickedByHandle, pickedByInput } from '../../../data/uploads/picked-files.ts'
import type { Picked } from '../../../data/uploads/picked-files.ts'
import { Button } from '../../../ui/controls/button.tsx'
import { Icon } from '../../../ui/icon.tsx'
import { toast } from '../../../ui/feedback/toast-store.ts'
import './drop-zone.css'

export interface DropZoneProps { onPicked: (picked: Picked[]) => void, children?: ComponentChildren, folders?: boolean }

type Pickers = Window & {
  showOpenFilePicker?: (options: { multiple: boolean }) => Promise<FileSystemHandle[]>
  showDirectoryPicker?: () => Promise<FileSystemHandle>
}

/** Files and folders are dropped or chosen here, anywhere on the page. With a picker of the browser's that gives handles, an upload goes on by itself after a reload. */
export function DropZone ({ onPicked, children, folders = true }: DropZoneProps) {
  const [isOver, setOver] = useState(false)
  const [isReading, setReading] = useState(false)
  const files = useRef<HTMLInputElement>(null)
  const folder = useRef<HTMLInputElement>(null)
  const take = async (reading: Promise<Picked[]>): Promise<void> => {
    setReading(true)
    try {
      const picked = await reading
      if (picked.length > 0) onPicked(picked)
    } catch (err) {
      if (!(err instanceof DOMException && err.name === 'AbortError')) toast('The browser could not read what was chosen.', { tone: 'bad' })
    } finally {
      setReading(false)
    }
  }
  useDropping({ setOver, take })
  const chooseFiles = (): void => {
    const { showOpenFilePicker } = window as Pickers
    if (showOpenFilePicker == null) files.current?.click()
    else void take(showOpenFilePicker.call(window, { multiple: true }).then(async handles => Promise.all(handles.map(pickedByHandle))))
  }
  const chooseFolder = (): void => {
    const { showDirectoryPicker } = window as Pickers
    if (showDirectoryPicker == null) folder.current?.click()
    else void take(showDirectoryPicker.call(window).then(async handle => [await pickedByHandle(handle)]).then(found =>
      found.filter(({ files }) => files.length > 0)))
  }
  const chosen = (input: HTMLInputElement): void => {
    void take(Promise.resolve(pickedByInput(input.files ?? [])))
    input.value = ''
  }
  return (
    <div class={`drop-zone${isOver ? ' drop-zone--over' : ''}`}>
      <Icon name="upload" size={36}/>
      <p class="drop-zone__text">{isReading ? 'Reading what was chosen…' : isOver ? 'Let go to upload' : folders ? 'Drop files and folders here' : 'Drop files here'}</p>
      <p class="drop-zone__buttons">
        <Button kind="primary" icon="file" onClick={chooseFiles}>Choose files</Button>
        {folders && <Button icon="folder" onClick={chooseFolder}>Choose a folder</Button>}
      </p>
      {children}
      <input ref={files} type="file" multiple hidden tabIndex={-1} aria-label="Files to upload"
        onChange={event => chosen(event.currentTarget)}/>
      <input ref={folder} type="file" multiple hidden tabIndex={-1} aria-label="Folder to upload"
        {...{ webkitdirectory: true }} onChange={event => chosen(event.currentTarget)}/>
    </div>
  )
}

/** Wherever it is dropped: a browser would leave the page for it. */
function useDropping (
  { setOver, take }: { setOver: (isOver: boolean) => void, take: (reading: Promise<Picked[]>) => Promise<void> }
): void {
  const latest = useRef(take)
  latest.current = take
  useEffect(() => {
    const stop = new AbortController()
    const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true
    addEventListener('dragover', event => {
      if (!hasFiles(event)) return
      event.preventDefault()
      setOver(true)
    }, stop)
    addEventListener('dragleave', event => { if (event.relatedTarget == null) setOver(false) }, stop)
    addEventListener('drop', event => {
      if (!hasFiles(event)) return
      event.preventDefault()
      setOver(false)
      void latest.current(pickedByDrop(event.dataTransfer?.items ?? []))
    }, stop)
    return () => stop.abort()
  }, [])
}
