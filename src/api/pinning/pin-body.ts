import { messageOf } from '../../base/errors.ts'
import { badRequest, orBadRequest } from '../../http/error-dialect.ts'
import type { RequestBody } from '../../http/request/body.ts'
import type { CID, MultiaddrText } from '../../model/cid.ts'
import { parseCid } from '../../model/cid.ts'
import { multiaddrText, parseMultiaddr } from '../../model/multiaddr.ts'
import { whyNoLimit } from '../../model/pin-limits.ts'
import { isTooLong, mostMetadata, mostOrigins } from '../../model/pinning-service.ts'
import { optionalString, stringList, stringMap } from './json-fields.ts'

/** A pin as clients send it. '' and empty: not given. */
export interface WantedPin { cid: CID, name: string, origins: MultiaddrText[], metadata: Record<string, string> }

const wrongBody = 'error decoding request body'
/** A pin may have 256 KiB; escapes make its JSON longer. */
const longestBody = 1024 * 1024

/** Reads the body of `POST /pins`; 400 for anything that isn't a pin. Fields that aren't known are ignored. */
export async function readPinBody (body: RequestBody): Promise<WantedPin> {
  const text = (await body.bytes(longestBody)).toString('utf8')
  if (text.trim() === '') throw badRequest(`${wrongBody}: EOF`)
  return orBadRequest(() => wantedPin(JSON.parse(text)), wrongBody)
}

function wantedPin (json: unknown): WantedPin {
  if (typeof json !== 'object' || json == null || Array.isArray(json)) throw new TypeError('must be a JSON object')
  const { cid, name, origins, meta } = json as Record<string, unknown>
  const wanted = {
    cid: parseCid(requiredCid(cid)),
    name: optionalString(name, 'name'),
    origins: stringList(origins, 'origins').map(origin),
    metadata: meta == null ? {} : stringMap(meta)
  }
  if (isTooLong(wanted.name)) throw new RangeError('pin name is over 255 chars')
  if (wanted.origins.length > mostOrigins) throw new RangeError(`more than ${mostOrigins} origins`)
  if (Object.keys(wanted.metadata).length > mostMetadata) throw new RangeError(`more than ${mostMetadata} values in meta`)
  for (const [key, value] of Object.entries(wanted.metadata)) {
    const wrong = whyNoLimit(key, value)
    if (wrong != null) throw new RangeError(wrong)
  }
  return wanted
}

function requiredCid (value: unknown): string {
  const text = optionalString(value, 'cid')
  if (text === '') throw new TypeError('cid is missing')
  return text
}

/** A multiaddress in its canonical text; it needn't name a peer. */
function origin (text: string): MultiaddrText {
  try {
    return multiaddrText(parseMultiaddr(text))
  } catch (err) {
    throw new TypeError(messageOf(err), { cause: err })
  }
}
