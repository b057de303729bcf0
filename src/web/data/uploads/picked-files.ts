/** What somebody chose to upload: a file, or a folder with its files. */
export interface Picked {
  kind: 'file' | 'directory'
  name: string
  /** In the order in which they are sent; of a folder, with its name before their paths. */
  files: PickedFile[]
  /** Reads it again after a reload, where the browser has such a thing. */
  handle: FileSystemHandle | null
}
/** A file with its path in the folder that was chosen. */
export interface PickedFile { path: string, file: File }

/** What tells whether a file is the one of before: nobody reads it for that. */
export interface FileMark { path: string, size: number, lastModified: number }

/** What tells a file from a later version of it: so that an upload goes on only with the same bytes. */
export const marksOf = ({ files }: Pick<Picked, 'files'>): FileMark[] =>
  files.map(({ path, file: { size, lastModified } }) => ({ path, size, lastModified }))

/** Bytes in all. */
export const sizeOf = ({ files }: Pick<Picked, 'files'>): number => files.reduce((sum, { file }) => sum + file.size, 0)

/** Whether these are the files whose upload was broken off. */
export function isSame (marks: readonly FileMark[], picked: Pick<Picked, 'files'>): boolean {
  const found = marksOf(picked)
  return found.length === marks.length && found.every(({ path, size, lastModified }, at) => {
    const mark = marks[at]
    return mark != null && mark.path === path && mark.size === size && mark.lastModified === lastModified
  })
}

/** A folder's files always in one order: its upload goes on byte for byte. */
export const inOrder = (files: readonly PickedFile[]): PickedFile[] =>
  files.toSorted((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : 0)

/** One file, chosen by itself. `handle`: lets a browser open it again after a reload. */
export function pickedFile (file: File, handle: FileSystemHandle | null = null): Picked {
  const { name } = file
  return { kind: 'file', name, files: [{ path: name, file }], handle }
}

/** Of `<input type="file">`: with paths when a folder was chosen. */
export function pickedByInput (list: Iterable<File>): Picked[] {
  const single: Picked[] = []
  const folders = new Map<string, PickedFile[]>()
  for (const file of list) {
    const path = file.webkitRelativePath
    const slash = path.indexOf('/')
    if (slash < 0) {
      single.push(pickedFile(file))
      continue
    }
    const name = path.slice(0, slash)
    const inside = folders.get(name) ?? []
    folders.set(name, inside)
    inside.push({ path, file })
  }
  return [...single, ...[...folders].map(([name, inside]): Picked => ({ kind: 'directory', name, files: inOrder(inside), handle: null }))]
}

/** Reads what a handle names: the file, or all files of the folder. */
export async function pickedByHandle (handle: FileSystemHandle): Promise<Picked> {
  if (handle.kind === 'file') return pickedFile(await (handle as FileSystemFileHandle).getFile(), handle)
  const files: PickedFile[] = []
  await gather(handle as FileSystemDirectoryHandle, handle.name, files)
  return { kind: 'directory', name: handle.name, files: inOrder(files), handle }
}

async function gather (folder: FileSystemDirectoryHandle, path: string, files: PickedFile[]): Promise<void> {
  for await (const [name, entry] of folder.entries()) {
    const below = `${path}/${name}`
    if (entry.kind === 'file') files.push({ path: below, file: await (entry as FileSystemFileHandle).getFile() })
    else await gather(entry as FileSystemDirectoryHandle, below, files)
  }
}

type Droppable = DataTransferItem & { getAsFileSystemHandle?: () => Promise<FileSystemHandle | null> }

/** What was dropped. The browser forgets the items when the event is over, so this asks for all of them before it waits. */
export async function pickedByDrop (items: Iterable<DataTransferItem>): Promise<Picked[]> {
  const asked = [...items].filter(({ kind }) => kind === 'file').map((item: Droppable) => ({
    // a drop that isn't the browser's own (a test's) has no handle
    handle: item.getAsFileSystemHandle?.().catch(() => null) ?? Promise.resolve(null),
    entry: item.webkitGetAsEntry(),
    file: item.getAsFile()
  }))
  const picked: Picked[] = []
  for (const { handle, entry, file } of asked) {
    const known = await handle
    if (known != null) picked.push(await pickedByHandle(known))
    else if (entry?.isDirectory === true) picked.push(await pickedByEntry(entry as FileSystemDirectoryEntry))
    else if (file != null) picked.push(pickedFile(file))
  }
  return picked.filter(({ files }) => files.length > 0)
}

/** The older way to folders, where there are no handles. */
async function pickedByEntry (folder: FileSystemDirectoryEntry): Promise<Picked> {
  const files: PickedFile[] = []
  await gatherEntries(folder, folder.name, files)
  return { kind: 'directory', name: folder.name, files: inOrder(files), handle: null }
}

async function gatherEntries (folder: FileSystemDirectoryEntry, path: string, files: PickedFile[]): Promise<void> {
  const reader = folder.createReader()
  for (;;) {
    // a hundred at a time, until none comes
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => { reader.readEntries(resolve, reject) })
    if (entries.length === 0) return
    for (const entry of entries) {
      const below = `${path}/${entry.name}`
      if (entry.isDirectory) await gatherEntries(entry as FileSystemDirectoryEntry, below, files)
      else files.push({
        path: below, file: await new Promise<File>((resolve, reject) => { (entry as FileSystemFileEntry).file(resolve, reject) })
      })
    }
  }
}
