import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { multiaddr } from '@multiformats/multiaddr'
import { encode as encodeCbor } from '@ipld/dag-cbor'
import { CID } from '../../../src/model/cid.ts'
import { rpcProtocol } from '../../../src/model/peer.ts'
import { newHost } from '../../support/cluster-hosts.ts'
import type { Attack, Attacked } from './attack.ts'

/** What is sent to those that read. */
export const readerAttacks: readonly Attack[] = [
  {
    name: 'rpc-pieces',
    // before the caller says what it wants to call: 1 MiB in pieces of 64 bytes, again and again
    run: async (peer, signal) => {
      const host = await newHost({ secret: peer.secret })
      await host.start(new AbortController().signal)
      try {
        const connection = await host.libp2p().dial(multiaddr(peer.address))
        let streams = 0
        for (; !signal.aborted && streams < 20; streams++) {
          const stream = await connection.newStream(rpcProtocol)
          stream.addEventListener('message', () => {})
          // one raw value of 1 MiB
          const value = Buffer.concat([Buffer.of(0xdb, 0, 0x10, 0, 0), Buffer.alloc(1 << 20)])
          try {
            for (let at = 0; at < value.length; at += 64) {
              if (!stream.send(value.subarray(at, at + 64))) await stream.onDrain({ signal })
            }
            await stream.close({ signal })
          } catch { stream.abort(new Error('over')) }
        }
        return `${streams} streams`
      } finally {
        await host.stop()
      }
    }
  },
  { name: 'deep-upload', run: async (peer, signal) => posted(`${peer.url}/add`, form('a/'.repeat(5000)), signal) },
  {
    name: 'car-header',
    run: async (peer, signal) => {
      const root = CID.createV1(0x55, sha256(Buffer.of(1)))
      const header = encodeCbor({ roots: Array.from({ length: 190_000 }, () => root), version: 1 })
      return posted(`${peer.url}/add?format=car`, form('file', Buffer.concat([varint(header.length), header])), signal)
    }
  },
  {
    name: 'tiny-blocks',
    run: async (peer, signal) => {
      const sections: Buffer[] = []
      const root = sectionOf(0)
      const header = encodeCbor({ roots: [root.cid], version: 1 })
      for (let at = 0; at < 200_000; at++) sections.push(sectionOf(at).section)
      return posted(
        `${peer.url}/add?format=car&no-pin=true`, form('file', Buffer.concat([varint(header.length), header, ...sections])), signal
      )
    }
  },
  {
    name: 'tiny-parts',
    run: async (peer, signal) => {
      const parts = Array.from(
        { length: 50_000 }, (_, at) => `--b\r\nContent-Disposition: form-data; name="file"; filename="d%2F${at}"\r\n\r\n${at}\r\n`
      )
      return posted(`${peer.url}/add?no-pin=true`, Buffer.from(`${parts.join('')}--b--\r\n`), signal)
    }
  },
  {
    name: 'proxy-nesting',
    run: async (peer, signal) => posted(
      `${peer.proxy}/api/v0/dag/put?store-codec=dag-cbor`, form('file', Buffer.from('['.repeat(500_000) + ']'.repeat(500_000))), signal
    )
  }
]

const sha256 = (bytes: Uint8Array): CID['multihash'] => {
  const digest = createHash('sha256').update(bytes).digest()
  return { code: 0x12, size: 32, digest, bytes: Buffer.concat([Buffer.of(0x12, 32), digest]) } as CID['multihash']
}

function sectionOf (number: number): { cid: CID, section: Buffer } {
  const content = Buffer.from(`tiny ${number}`)
  const cid = CID.createV1(0x55, sha256(content))
  return { cid, section: Buffer.concat([varint(cid.bytes.length + content.length), cid.bytes, content]) }
}

function varint (value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return Buffer.from([...bytes, rest])
}

/** An upload of one file. */
function form (name: string, content: Uint8Array = Buffer.from('x')): Buffer {
  return Buffer.concat(
    [
      Buffer.from(`--b\r\nContent-Disposition: form-data; name="file"; filename="${encodeURIComponent(name)}"\r\n\r\n`), content,
      Buffer.from('\r\n--b--\r\n')
    ]
  )
}

/** Status, and the end of the answer or of its trailer. */
async function posted (url: Attacked['url'], body: Buffer, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method: 'POST', signal, headers: { 'content-type': 'multipart/form-data; boundary=b', 'content-length': body.length }
    }, response => {
      let end = ''
      response.setEncoding('utf8').on('data', (text: string) => { end = (end + text).slice(-100) })
      response.once('end', () => resolve(`${response.statusCode} ${response.trailers['x-stream-error'] ?? end.trim()}`.slice(0, 160)))
      response.once('error', reject)
    })
    outgoing.once('error', reject)
    outgoing.end(body)
  })
}
