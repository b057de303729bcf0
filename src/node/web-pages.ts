import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readWebFiles } from '../api/web/web-files.ts'
import type { WebFiles } from '../api/web/web-files.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'

/** Where the built pages are, seen from a bundle, a part of one, and the sources. */
const places = ['web', '../web', '../../dist/web'].map(path => join(import.meta.dirname, path))

/** Null where they weren't built: a clone of the sources has to (`npm run build:web`). */
export async function loadWebPages ({ log }: { log: Logger }): Promise<WebFiles | null> {
  const folder = places.find(place => existsSync(join(place, 'pages.json'))) ?? places[2] ?? ''
  try {
    return await readWebFiles(folder)
  } catch (err) {
    log.warn('there are no web pages', { why: messageOf(err) })
    return null
  }
}

/** "1.1.6+helia.0.1.0" is 0.1.0 to people. */
export const shownVersion = (version: string): string => version.replace(/^.*\+helia\./, '')
