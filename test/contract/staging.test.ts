import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { silentLogger } from '../../src/base/log.ts'
import { folderStaging } from '../../src/service/staging/folder/folder-staging.ts'
import { s3Staging } from '../../src/service/staging/s3/s3-staging.ts'
import type { S3Server } from '../support/s3-server.ts'
import { findS3Server, startS3Server } from '../support/s3-server.ts'
import { stagingContract } from './staging.ts'

stagingContract('folder', { pieceBytes: 2 ** 20 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-staging-'))
  const open = () => folderStaging({ folder: join(folder, 'staging'), syncBytes: 2 ** 20 })
  return { staging: open(), reopen: open, close: async () => rm(folder, { recursive: true, force: true }) }
})

const found = findS3Server()
let server: Promise<S3Server> | undefined
after(async () => (await server)?.close())

stagingContract('S3', { pieceBytes: 5 * 2 ** 20, missing: 'missing' in found ? found.missing : undefined }, async () => {
  server ??= 'program' in found ? startS3Server(found.program) : undefined
  const { settings } = await server as S3Server
  const open = () => s3Staging({ ...settings, partBytes: 5 * 2 ** 20 }, { log: silentLogger })
  return {
    staging: open(),
    reopen: open,
    close: async () => {
      const staging = open()
      await staging.start(new AbortController().signal)
      for await (const { key } of staging.keys()) await staging.remove(key)
      await staging.stop()
    }
  }
})
