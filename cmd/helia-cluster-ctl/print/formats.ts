import type {
  Added, Alert, Bandwidth, GlobalPinInfo, GlobalRepoGc, Id, Metric, Pin, Readiness, Version
} from '../../../src/client/types.ts'
import { addedObject, alertObject, bandwidthObject, idObject, metricObject, pinObject, repoGcObject, statusObject } from './json.ts'
import type { Format } from './printer.ts'
import { idTable, metricTable, pinTable, repoGcTable, statusTable } from './tables.ts'
import { addedText, alertText, bandwidthText, idText, metricText, pinText, readinessText, repoGcText, statusText } from './text.ts'

export const idFormat: Format<Id> = { text: idText, json: idObject, table: idTable }
export const pinFormat: Format<Pin> = { text: pinText, json: pinObject, table: pinTable }
export const statusFormat: Format<GlobalPinInfo> = { text: statusText, json: statusObject, table: statusTable }
export const addedFormat: Format<Added> = { text: addedText, json: addedObject }
export const addedQuietFormat: Format<Added> = { text: ({ cid }) => `${cid ?? 'b'}\n`, json: addedObject }
export const versionFormat: Format<Version> = { text: ({ version }) => `${version}\n`, json: ({ version }) => ({ version }) }
export const nameFormat: Format<string> = { text: name => `${name}\n`, json: name => name }
export const bandwidthFormat: Format<Record<string, Bandwidth>> = { text: bandwidthText, json: bandwidthObject }
export const readinessFormat: Format<Readiness> = { text: readinessText, json: readiness => ({ ...readiness }) }
export const repoGcFormat: Format<GlobalRepoGc> = { text: repoGcText, json: repoGcObject, table: repoGcTable }
export const metricFormat = (now: number): Format<Metric> => ({
  text: metric => metricText(metric, now), json: metricObject, table: metricTable(now)
})
export const alertFormat = (now: number): Format<Alert> => ({ text: alert => alertText(alert, now), json: alertObject })
