import { ClusterError, messageOf } from '../../../base/errors.ts'
import { parseCid } from '../../../model/cid.ts'
import { multiaddrText, parseMultiaddr } from '../../../model/multiaddr.ts'
import type { WantedPin } from '../../../service/pins/pins.ts'
import type { PinBody } from './schemas.ts'

/** A checked body as a wish. INVALID_CID, INVALID_ARGUMENT. */
export function wantedPin ({ cid, name, origins, meta }: PinBody): WantedPin {
  return {
    cid: parseCid(cid).toString(), name: (name ?? '').toWellFormed(), origins: (origins ?? []).map(origin), meta: wellFormed(meta ?? {})
  }
}

/** A multiaddress in its canonical text; it needn't name a peer. */
function origin (text: string): string {
  const wrong = (why: string, cause?: unknown): ClusterError =>
    new ClusterError(
      'INVALID_ARGUMENT', { origin: text.slice(0, 200) },
      { message: `${JSON.stringify(text.slice(0, 200))} is no multiaddress: ${why}`, cause }
    )
  if (!text.startsWith('/')) throw wrong('it must begin with /')
  try {
    return multiaddrText(parseMultiaddr(text))
  } catch (err) {
    throw wrong(messageOf(err), err)
  }
}

const wellFormed = (meta: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(meta).map(([key, value]) => [key.toWellFormed(), value.toWellFormed()]))
