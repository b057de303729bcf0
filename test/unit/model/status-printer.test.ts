import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { create as createDigest } from 'multiformats/hashes/digest'
import { cidText } from '../../../src/model/cid.ts'
import { StatusPrinter } from '../../../src/model/status-printer.ts'
import { CID, parseCid } from '../../../src/model/cid.ts'
import { goJson } from '../../../src/model/go-json.ts'
import type { GlobalPinInfo } from '../../../src/model/pin-info.ts'
import { globalPinInfoJson } from '../../../src/model/pin-info.ts'
import { parseTime } from '../../../src/model/time.ts'

/** The inverse of globalPinInfoJson. */
function parse (text: string): GlobalPinInfo {
  const json = JSON.parse(text)
  const peers = Object.entries<any>(json.peer_map).map(([peer, short]) => [peer, { // recorded JSON
    peerName: short.peername,
    ipfsPeerId: short.ipfs_peer_id ?? '',
    ipfsPeerAddresses: short.ipfs_peer_addresses ?? [],
    status: short.status,
    timestamp: parseTime(short.timestamp),
    error: short.error,
    attemptCount: short.attempt_count,
    priorityPin: short.priority_pin
  }] as const)
  return { ...json, cid: parseCid(json.cid), created: parseTime(json.created), peerMap: new Map(peers.toReversed()) }
}

const recorded = ['status', 'errors'].flatMap(
  group => JSON.parse(readFileSync(`test/vectors/rest/${group}.json`, 'utf8')) as Array<{ response: {
    status: number, body: { text?: string } | null
  } }>
)
  .filter(one => one.response.status === 200)
  .flatMap(one => (one.response.body?.text ?? '').split('\n'))
  .filter(line => line.startsWith('{"cid"'))

const model = parse(recorded[0] ?? '')
const short = [...model.peerMap.values()][0] ?? assert.fail('no peer')

describe('printed statuses', () => {
  it('are the recorded ones, byte for byte', () => {
    const printer = new StatusPrinter()
    const whole = recorded.filter(line => !/\.\d{7}/.test(line)) // model times have microseconds

    assert.ok(whole.length > 20)
    for (const line of whole) assert.equal(printer.print(parse(line)), line)
  })

  it('have CIDs of any length and version as the library prints them', () => {
    for (let length = 0; length < 70; length++) {
      const cid = CID.createV1(0x55, createDigest(0, Uint8Array.from({ length }, (_byte, at) => at * 37 & 255)))

      assert.equal(cidText(cid), cid.toString())
    }
    assert.equal(cidText(parseCid('QmccvEeJ1S95baJ6brLwNCKc6uq89vpVEoUGcEXc5FHhaX')), 'QmccvEeJ1S95baJ6brLwNCKc6uq89vpVEoUGcEXc5FHhaX')
  })

  it('are what goJson prints, whatever the strings, times and peers', () => {
    const printer = new StatusPrinter()
    const strings = ['', 'a', '"\\', '<&>', '\u2028', 'é\n\b\f', '\ud800', '😀', '\x7f']
    const rows: GlobalPinInfo[] = strings.flatMap((text, at) => [
      { ...model, name: text, allocations: null, origins: [text], created: 1.5e12 + at / 4, metadata: { b: text, a: '1' } },
      {
        ...model, metadata: {},
        peerMap: new Map(
          [
            ['b', { ...short, error: text, peerName: text, ipfsPeerId: '' }],
            ['a', { ...short, peerName: `${at}`, ipfsPeerAddresses: [text] }]
          ]
        )
      },
      { ...model, peerMap: new Map() }
    ])

    assert.equal(printer.lines(rows), rows.map(row => `${goJson(globalPinInfoJson(row))}\n`).join(''))
  })
})
