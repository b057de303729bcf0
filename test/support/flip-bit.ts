import assert from 'node:assert/strict'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Turns one bit in the middle of a file that holds `content`. */
export async function flipBit (folder: string, content: Uint8Array): Promise<void> {
  for (const name of await readdir(folder, { recursive: true })) {
    const file = await open(join(folder, name), 'r+').catch(() => undefined)
    try {
      const bytes = (await file?.stat())?.isFile() === true ? await file?.readFile() : undefined
      const at = bytes?.indexOf(content) ?? -1
      if (bytes == null || at < 0) continue
      const place = at + Math.floor(content.length / 2)
      await file?.write(Uint8Array.of((bytes[place] as number) ^ 1), 0, 1, place)
      return
    } finally {
      await file?.close()
    }
  }
  assert.fail('the content is in no file')
}
