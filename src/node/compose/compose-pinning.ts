import { pinningApi, type PinningApi } from '../../api/pinning/pinning-api.ts'
import type { HttpApiConfig } from '../../config/service-config.ts'
import { sqlitePinIndex } from '../../pinindex/sqlite/sqlite-pin-index.ts'
import type { ApisDeps, ApisInit } from './compose-apis.ts'
import { statePath } from '../folder/folder.ts'
import { httpInit } from './http-init.ts'
import { pinIndexFile } from '../../state/stopped-state.ts'

/** The pinning service with its index in the state folder. */
export function composePinning ({ folder, config }: ApisInit, section: HttpApiConfig, deps: ApisDeps): PinningApi {
  const log = deps.log.child('pinsvcapi')
  const index = sqlitePinIndex({ file: pinIndexFile(statePath(folder, config)) }, { log })
  return pinningApi(
    { ...httpInit(folder, section, deps.log.child('pinsvcapilog')), wrap: deps.observer.requests('pinsvcapi') }, { ...deps, index, log }
  )
}
