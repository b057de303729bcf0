import { CID } from 'multiformats/cid'
import { create as createDigest } from 'multiformats/hashes/digest'
import type { Random } from '../../src/base/clock.ts'
import type { Pin, PinType } from '../../src/model/pin.ts'
import { zeroTime } from '../../src/model/time.ts'
import { aPin } from './tracked-node.ts'

const peers = ['a', 'b', 'c', 'd'].map(letter => `12D3KooWQm3YmAbLRgRgMcKj4hbVtm5jzN4YHu7tWZ8v8BgkT9K${letter}`)

/** What looks like the parts of a pin's line, and what JSON escapes. */
const texts = [
  '', 'a', 'name', '"', '\\', '","mode":"', '","type":"', ',"name":', '\\","mode":"', '"cid":"', ',"metadata":{', 'é', '😀', '\u2028<&>',
  '\n', '","mode":"recursive","shard_size":0', ',"pin_update":null,"origins":[],"cid":"', '},"pin_update":null', 'x'.repeat(300)
]

/**
 * A stored pin of any kind. `number`: its CID, of either version and of several lengths. Most are as the one before, which is what makes
 * lists quick. The first peer of `allocations` may be `self`.
 */
export function anyPin (random: Random, number: number, self = peers[0] ?? ''): Pin {
  const one = <T>(of: readonly T[]): T => of[Math.floor(random.float() * of.length)] as T
  const isRare = (): boolean => random.float() < 0.1
  const bytes = new Uint8Array(one([4, 8, 32, 32, 32]))
  new DataView(bytes.buffer).setUint32(0, number)
  const cid = isRare()
    ? CID.createV0(createDigest(0x12, Uint8Array.from({ length: 32 }, (_byte, at) => bytes[at] ?? 0)))
    : CID.createV1(one([0x55, 0x70]), createDigest(bytes.length === 32 ? 0x12 : 0, bytes))
  const metadata = isRare() ? Object.fromEntries(Array.from({ length: 3 }, () => [one(texts), one(texts)])) : {}
  const [replicationFactorMin, replicationFactorMax] = one([[-1, -1], [-1, -1], [1, 3], [0, 0], [-1, 3]] as const)
  return aPin(number, {
    cid, metadata, replicationFactorMin, replicationFactorMax, name: isRare() ? one(texts) : `pin ${number}`,
    allocations: replicationFactorMin === -1 ? [] : [self, ...peers.slice(1)].filter(() => random.float() < 0.5),
    type: isRare() ? one<PinType>(['meta-pin', 'clusterdag-pin', 'shard-pin', 'bad-type']) : 'pin',
    maxDepth: isRare() ? one([0, 1]) : -1,
    reference: isRare() ? cid : null,
    pinUpdate: isRare() ? cid : null,
    shardSize: isRare() ? 100 : 0,
    origins: isRare() ? [`/ip4/1.2.3.4/tcp/4001/p2p/${peers[1]}`, '/dns4/a.example/tcp/1'] : [],
    expireAt: isRare() ? Date.UTC(2031, 0, 1) : zeroTime,
    timestamp: isRare() ? zeroTime : Date.UTC(2030, 0, 1) + 1000 * Math.floor(random.float() * 5)
  })
}
