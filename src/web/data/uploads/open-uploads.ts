import { face } from '../../app/face.ts'
import { readStored, writeStored } from '../hooks.ts'

const key = 'helia-cluster-open-uploads'

/** Whether uploads of this browser aren't at their end: for the next page that is loaded. */
export function noteOpenUploads (areOpen: boolean): void {
  if ((readStored<boolean>(key) ?? false) !== areOpen) writeStored(key, areOpen ? true : undefined)
}

/** Whichever page is loaded, uploads go on that a page of before had begun. Nothing is loaded for it where there are none. */
export function goOnWithUploads (): void {
  if (face.kind !== 'service' || readStored<boolean>(key) !== true) return
  setTimeout(() => { void import('./own-uploads.ts').then(({ ownUploads }) => ownUploads()).catch(() => {}) }, 500)
}
