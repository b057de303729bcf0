import type {
  Added, Alert, Bandwidth, GlobalPinInfo, GlobalRepoGc, Id, Metric, Pin, Readiness, Version
} from '../../../src/client/types.ts'
import { addedObject, alertObject, bandwidthObject, idObject, metricObject, pinObject, repoGcObject, statusObject } from './json.ts'
import type { Format } from './printer.ts'
import { idTable, metricTable, pinTable, repoGcTable, statusTable } from './tables.ts'
import { addedText, alertText, bandwidthText, idText, metricText, pinText, readinessText, repoGcText, statusText } from './text.ts'

/** How a peer is printed. */
export const idFormat: Format<Id> = { text: idText, json: idObject, table: idTable }
/** How a pin of the pinset is printed. */
export const pinFormat: Format<Pin> = { text: pinText, json: pinObject, table: pinTable }
/** How a pin's status is printed. */
export const statusFormat: Format<GlobalPinInfo> = { text: statusText, json: statusObject, table: statusTable }
/** How what was added is printed. Text and JSON only, as all that have no table. */
export const addedFormat: Format<Added> = { text: addedText, json: addedObject }
/** The same for `--quiet`: CIDs alone. Go prints a missing one as `b`. */
export const addedQuietFormat: Format<Added> = { text: ({ cid }) => `${cid ?? 'b'}\n`, json: addedObject }
/** How a version is printed. */
export const versionFormat: Format<Version> = { text: ({ version }) => `${version}\n`, json: ({ version }) => ({ version }) }
/** How a metric's name is printed. */
export const nameFormat: Format<string> = { text: name => `${name}\n`, json: name => name }
/** How libp2p's counters are printed. */
export const bandwidthFormat: Format<Record<string, Bandwidth>> = { text: bandwidthText, json: bandwidthObject }
/** How a peer's readiness is printed. */
export const readinessFormat: Format<Readiness> = { text: readinessText, json: readiness => ({ ...readiness }) }
/** How a collection is printed. */
export const repoGcFormat: Format<GlobalRepoGc> = { text: repoGcText, json: repoGcObject, table: repoGcTable }
/** How a metric is printed. `now` (Unix milliseconds): expiries are relative. */
export const metricFormat = (now: number): Format<Metric> => ({
  text: metric => metricText(metric, now), json: metricObject, table: metricTable(now)
})
/** How an alert is printed; `now` as above. */
export const alertFormat = (now: number): Format<Alert> => ({ text: alert => alertText(alert, now), json: alertObject })
