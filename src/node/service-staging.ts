import type { Logger } from '../base/log.ts'
import type { ServiceApiConfig } from '../config/service-config.ts'
import type { Staging } from '../service/staging/staging.ts'
import { resolveIn } from './folder.ts'
import type { NodeInit } from './node-contract.ts'

export type MakeStaging = (deps: { log: Logger }) => Staging

/** The staging that the section asks for; only its code is loaded. */
export async function loadStaging (
  { folder, identity }: Pick<NodeInit, 'folder' | 'identity'>, { staging: { folder: own, s3 } }: ServiceApiConfig
): Promise<MakeStaging> {
  if (s3.endpoint === '') {
    const { folderStaging } = await import('../service/staging/folder/folder-staging.ts')
    return () => folderStaging({ folder: resolveIn(folder, own, ''), owner: identity.id })
  }
  const { s3Staging } = await import('../service/staging/s3/s3-staging.ts')
  return deps => s3Staging({ ...s3, secretKey: s3.secretKey?.reveal() ?? '' }, deps)
}
