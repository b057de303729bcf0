import { createHash } from 'node:crypto'
import { create as multihash } from 'multiformats/hashes/digest'
import { CID } from '../../src/model/cid.ts'
import { defaultPinOptions, pinWithOptions } from '../../src/model/pin.ts'
import type { Pin, PinOptions } from '../../src/model/pin.ts'
import type { PinState } from '../../src/consensus/consensus.ts'

/** A CID that depends only on the text. */
export const cidFor = (text: string): CID =>
  CID.createV1(0x55, multihash(0x12, Uint8Array.from(createHash('sha256').update(text).digest())))

/** A pin as it would be stored: everywhere, at a fixed time. */
export function pinFor (text: string, options: Partial<PinOptions> = {}): Pin {
  const everywhere = { ...defaultPinOptions(), replicationFactorMin: -1, replicationFactorMax: -1, name: text }
  return { ...pinWithOptions(cidFor(text), { ...everywhere, ...options }), timestamp: Date.UTC(2030, 0, 1) }
}

/** A pin of this CID, recursive unless `maxDepth` is 0. */
export const pinOf = (cid: CID, options: Partial<Pin> = {}): Pin => ({
  ...pinWithOptions(cid, { ...defaultPinOptions(), mode: options.maxDepth === 0 ? 'direct' : 'recursive' }), ...options
})

export async function listedPins (state: PinState): Promise<Pin[]> {
  const pins: Pin[] = []
  for await (const batch of state.pins()) pins.push(...batch)
  return pins
}

/** Names by CID: what replicas are compared by. */
export async function namesByCid (state: PinState): Promise<Record<string, string>> {
  return Object.fromEntries((await listedPins(state)).map(pin => [pin.cid.toString(), pin.name]))
}

export async function jsonText (state: PinState): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of state.jsonLines()) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
