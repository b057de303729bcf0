import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '../../src/base/log.ts'
import { sqlitePinIndex } from '../../src/pinindex/sqlite/sqlite-pin-index.ts'
import { pinIndexContract } from './pinindex.ts'

pinIndexContract('SQLite file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-pinindex-'))
  const open = () => sqlitePinIndex({ file: join(folder, 'state', 'pins.sqlite') }, { log: silentLogger })
  return { index: open(), reopen: open, close: async () => rm(folder, { recursive: true, force: true }) }
})

pinIndexContract('SQLite in memory', async () => ({
  index: sqlitePinIndex({ file: ':memory:' }, { log: silentLogger }),
  reopen: undefined,
  close: async () => {}
}))
