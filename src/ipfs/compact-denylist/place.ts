import { base58btc } from 'multiformats/bases/base58'
import type { MultihashDigest } from 'multiformats'
import { latin1 } from '../../base/text/latin1.ts'
import { CID, cidText, parseCid } from '../../model/cid.ts'
import { ipnsCid, parseIpnsKey } from '../../model/ipns-name.ts'
import { dagCborCodec, dagPbCodec, rawCodec } from '../../model/multicodec.ts'

/** The root of a content path, in the texts that rules are made of. */
export interface Place {
  /** For plain rules: whatever the CID's version, codec and base, or the domain's case. */
  id: string
  /** What double-hashed rules hash; `/PATH` follows, or nothing. */
  modern: () => string
  /** What rules in the older form hash; `/PATH` follows, at least the slash. */
  legacy: () => string[]
}

/** The same block can be asked for with each of these, whichever the list has: dag-pb, raw, dag-cbor. */
const usualCodecs = [dagPbCodec, rawCodec, dagCborCodec]

/** What rules may say of a CID without a path: its multihash, and the texts that double-hashed rules are made of. */
export function placeOfCid (cid: CID): Place {
  return {
    id: `c${latin1(cid.multihash.bytes)}`,
    modern: once(() => base58Text(cid.multihash.bytes)),
    legacy: once(() => [...new Set([cid.code, ...usualCodecs])].map(code => cidV1Text(code, cid.multihash)))
  }
}

/** `/ipns/NAME`: a key in any of its forms, or a domain. Without a dot it is a domain whose dots became dashes for one DNS label. */
export function placeOfName (name: string): Place {
  const key = keyOf(name)
  if (key == null) return placeOfDomain((name.includes('.') ? name : withDots(name)).toLowerCase().replace(/\.$/, ''))
  return {
    id: `k${latin1(key.multihash.bytes)}`, modern: () => base58Text(key.multihash.bytes), legacy: () => [cidV1Text(key.code, key.multihash)]
  }
}

const placeOfDomain = (domain: string): Place => ({ id: `d${domain}`, modern: () => `/ipns/${domain}`, legacy: () => [domain] })

function keyOf (name: string): CID | undefined {
  const peer = parseIpnsKey(name)
  if (peer != null) return ipnsCid(peer)
  if (name.includes('.')) return undefined
  try {
    return parseCid(name)
  } catch {
    return undefined
  }
}

/** The texts take longer to make than everything else, and a path needs those of its root again. */
function once<T> (make: () => T): () => T {
  let made: T | undefined
  return () => made ??= make()
}

const withDots = (label: string): string => label.replace(/--|-/g, dashes => dashes === '--' ? '-' : '.')

/**
 * A multihash as CIDv0 has it; of a longer one than any function makes (an identity), which would take long, nothing that a list could
 * hash.
 */
const base58Text = (multihash: Uint8Array): string => multihash.length > maxMultihashBytes ? '' : base58btc.encode(multihash).slice(1)
const maxMultihashBytes = 256

const cidV1Text = (codec: number, multihash: MultihashDigest): string => cidText(CID.createV1(codec, multihash))
