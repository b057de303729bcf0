import { ClassicLevel } from 'classic-level'
import { rescueFolder } from './rescue.ts'
import type { FreshStore } from './rescue.ts'
import type { FoundRow } from './store-files.ts'

export interface FreshStoreInit { folder: string, writeBufferBytes: number, cacheBytes: number, compression?: boolean }

/** An empty store beside the damaged one at `folder`. */
export async function freshStore ({ folder, writeBufferBytes, cacheBytes, compression = true }: FreshStoreInit): Promise<FreshStore> {
  const level = new ClassicLevel<Buffer, Buffer>(rescueFolder(folder), {
    keyEncoding: 'buffer', valueEncoding: 'buffer', writeBufferSize: writeBufferBytes, cacheSize: cacheBytes, compression
  })
  await level.open()
  const write = async (rows: readonly FoundRow[], sync = false): Promise<void> => {
    await level.batch(
      rows.map(({ key, value }) => value == null ? { type: 'del' as const, key } : { type: 'put' as const, key, value }), { sync }
    )
  }
  return {
    write: async rows => { if (rows.length > 0) await write(rows) },
    close: async () => {
      // makes everything before it safe, too
      await write([{ key: Buffer.from([0]), value: undefined, intact: true }], true)
      await level.close()
    }
  }
}
