import { open, rename, rm } from 'node:fs/promises'

/** Writes a file so that a crash leaves the old content or the new one: a neighbour is written, synced and renamed. */
export async function replaceFile (path: string, content: string, mode: number): Promise<void> {
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
