import { site } from '../../app/site.ts'
import { readStored, writeStored } from '../hooks.ts'

const key = 'helia-cluster-open-uploads'

/** Whether uploads of this browser aren't at their end: for the next page that is loaded. */
export function noteOpenUploads (areOpen: boolean): void {
  if ((readStored<boolean>(key) ?? false) !== areOpen) writeStored(key, areOpen ? true : undefined)
}

/** Whether a page that is loaded now has to go on with them. */
export const hasOpenUploads = (): boolean => site.kind === 'service' && readStored<boolean>(key) === true
