import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { RequestOptions } from 'node:https'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { freePorts } from '../support/free-ports.ts'
import { peerProcess, runService, type PeerProcess } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'

type Answer = { status: number, body: string }
type Send = typeof httpRequest

const ask = async (send: Send, options: RequestOptions): Promise<Answer> => new Promise((resolve, reject) => {
  send(options, response => {
    text(response).then(body => resolve({ status: response.statusCode ?? 0, body }), reject)
  }).on('error', reject).end()
})

/** A certificate for 127.0.0.1, signed by itself. */
async function makeCertificate (folder: string): Promise<void> {
  await promisify(
    execFile
  )('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=peer',
  '-addext', 'subjectAltName=IP:127.0.0.1',
    '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')])
}

describe('what a peer listens on and tells, through its real program', () => {
  let peer: PeerProcess
  let metricsUrl: string
  let tls: { port: number, ca: string }
  let socketPath: string
  before(async () => {
    const [metricsPort = 0, tlsPort = 0] = await freePorts(2)
    metricsUrl = `http://127.0.0.1:${metricsPort}`
    peer = await peerProcess(json => {
      json.observations = {
        ...json.observations, metrics: { ...json.observations.metrics, prometheus_endpoint: `/ip4/127.0.0.1/tcp/${metricsPort}` }
      }
      json.api.pinsvcapi = {
        http_listen_multiaddress: `/ip4/127.0.0.1/tcp/${tlsPort}`, ssl_cert_file: 'cert.pem', ssl_key_file: 'key.pem',
        basic_auth_credentials: { alice: 'wonderland' }, http_log_file: 'pinsvc.log'
      }
    })
    socketPath = join(peer.folder, 'api.sock')
    await makeCertificate(peer.folder)
    await peer.edit(json => {
      json.api.restapi.http_listen_multiaddress = [json.api.restapi.http_listen_multiaddress, `/unix${socketPath}`]
    })
    tls = { port: tlsPort, ca: await readFile(join(peer.folder, 'cert.pem'), 'utf8') }
    await peer.start(['--stats'])
  })
  after(async () => { await peer.remove() })

  it('serves metrics while it pins', async () => {
    const cid = 'f0155000568656c6c6f'
    await fetch(`${peer.url}/pins/${cid}`, { method: 'POST' })

    await pollUntil(async () => {
      const told = await (await fetch(`${metricsUrl}/metrics`)).text()
      return /^ipfscluster_pins 1$/m.test(told) && /^ipfscluster_pins_ipfs_pins 1$/m.test(told)
        && /^helia_cluster_pin_duration_seconds_count\{result="pinned"\} 1$/m.test(told)
    })
  })

  it('answers over HTTPS with its certificate, and tells plain clients so', async () => {
    const answer = await ask(httpsRequest as Send, { host: '127.0.0.1', ...tls, path: '/pins', auth: 'alice:wonderland' })
    const plain = await ask(httpRequest, { host: '127.0.0.1', port: tls.port, path: '/pins' })

    assert.equal(answer.status, 200)
    assert.deepEqual(plain, { status: 400, body: 'Client sent an HTTP request to an HTTPS server.\n' })
  })

  it('writes the log of an API into its file', async () => {
    await ask(httpsRequest as Send, { host: '127.0.0.1', ...tls, path: '/pins?limit=3' })

    await pollUntil(
      async () =>
        /^127\.0\.0\.1 - - \[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET \/pins\?limit=3 HTTP\/1\.1" 401 \d+$/m.test(
          await readFile(join(peer.folder, 'pinsvc.log'), 'utf8')
        )
    )
  })

  it('answers on a unix socket, also one that a killed peer left behind', async () => {
    const before = await ask(httpRequest, { socketPath, path: '/version' })
    await peer.end('SIGKILL')
    await peer.start(['--stats'])
    const after = await ask(httpRequest, { socketPath, path: '/version' })

    assert.deepEqual([before.status, after.status], [200, 200])
  })

  it('says when it is ready: then other peers can reach it', async () => {
    await peer.end('SIGTERM')
    await peer.start(['--stats'])

    await pollUntil(async () => (await fetch(`${peer.url}/health/ready`)).status === 200, { everyMs: 1 })

    assert.ok((await (await fetch(`${peer.url}/id`)).json() as { addresses: string[] }).addresses.length > 0)
  })

  it('stops at once when the endpoint of the metrics is taken', async () => {
    assert.equal(await peer.end(), 0)
    const other = createServer()
    await new Promise<void>(resolve => other.listen(Number(new URL(metricsUrl).port), '127.0.0.1', resolve))

    const result = await runService(['-c', peer.folder, 'daemon', '--stats'])
    other.close()

    assert.equal(result.status, 1)
    assert.match(result.stderr, /^error starting cluster: metrics can't listen on \/ip4\/127\.0\.0\.1\/tcp\/\d+: listen EADDRINUSE[^\n]*$/m)
    assert.equal(result.stderr.match(/EADDRINUSE/g)?.length, 1)
  })

  it('does not start without its access log', async () => {
    await peer.edit(json => { json.api.restapi.http_log_file = 'no/such/folder/access.log' })

    const result = await runService(['-c', peer.folder, 'daemon'])

    assert.equal(result.status, 1)
    assert.match(result.stderr, /^error [^\n]*access\.log can't be written: ENOENT/m)
  })
})
