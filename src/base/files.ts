import { open, readFile, rename, rm, stat } from 'node:fs/promises'

/** For the `catch` of a call on a path: gives the value when there is nothing at the path, and throws everything else on. */
export const whenMissing = <Value>(value: Value) => (err: NodeJS.ErrnoException): Value => {
  if (err.code === 'ENOENT') return value
  throw err
}

/** Whether there is a file or a folder at the path. */
export const isThere = async (path: string): Promise<boolean> => stat(path).then(() => true, whenMissing(false))

/** The text of a file; undefined when there is none. Other errors are thrown. */
export const readIfThere = async (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(whenMissing(undefined))

/** Brings a file or a folder to the disk. Without its folder's sync a power loss may take the name of a file whose content is safe. */
export async function syncPath (path: string): Promise<void> {
  const file = await open(path, 'r')
  await file.sync().finally(async () => file.close())
}

/** Writes a file so that a crash leaves the old content or the new one: a draft beside it is written, synced and renamed. */
export async function replaceFile (path: string, content: string | AsyncIterable<Uint8Array>, mode: number): Promise<void> {
  const draft = `${path}.${process.pid}.tmp`
  try {
    const file = await open(draft, 'w', mode)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (err) {
    await rm(draft, { force: true })
    throw err
  }
}
