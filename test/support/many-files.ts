import { createHash } from 'node:crypto'
import { join } from 'node:path'
import * as Digest from 'multiformats/hashes/digest'
import { silentLogger } from '../../src/base/log.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import { WorkerRunner } from '../../src/base/worker.ts'
import { CID } from '../../src/model/cid.ts'
import { sqliteDatabase } from '../../src/service/sql/sqlite/sqlite-database.ts'
import { fileOf } from './service-rows.ts'

const batch = 2000
const rawCodec = 0x55
const sha256 = 0x12

/** Puts files into the account of somebody, straight into the tables of a peer that isn't running: uploads of so many would take long. */
export async function addManyFiles (folder: string, email: string, count: number): Promise<void> {
  const [clock, random, log] = [systemClock, systemRandom, silentLogger]
  const database = sqliteDatabase(
    { file: join(folder, 'service', 'service.sqlite') }, { clock, random, log, workers: new WorkerRunner({ clock, random, log }) }
  )
  await database.start(new AbortController().signal)
  try {
    const { id } = await database.db.selectFrom('users').select('id').where('email_key', '=', email.toLowerCase()).executeTakeFirstOrThrow()
    const { workspace_id: workspace } = await database.db.selectFrom('users').select('workspace_id').where('id', '=', id)
      .executeTakeFirstOrThrow()
    for (let from = 0; from < count; from += batch) {
      const rows = Array.from({ length: Math.min(batch, count - from) }, (_, at) => rowOf(from + at))
      await database.transaction(async tx => {
        await tx.insertInto('files').values(rows.map(row => ({ ...fileOf(id, row), workspace_id: workspace }))).execute()
      })
    }
  } finally {
    await database.stop()
  }
}

const ends = ['pdf', 'png', 'mp3', 'mp4', 'txt', 'zip'] as const

function rowOf (at: number) {
  const digest = Digest.create(sha256, createHash('sha256').update(`file ${at}`).digest())
  return {
    id: `many-${String(at).padStart(7, '0')}`, cid: CID.createV1(rawCodec, digest).toString(),
    original_filename: `document ${String(at).padStart(6, '0')}.${ends[at % ends.length]}`, content_type: 'application/octet-stream',
    size_bytes: 1000 + at * 37, state: 'unpinned' as const, uploaded_at: 1_700_000_000_000 + at * 1000, view_count: at % 97
  }
}
