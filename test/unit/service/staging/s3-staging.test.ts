import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { isClusterError } from '../../../../src/base/errors.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { s3Staging } from '../../../../src/service/staging/s3/s3-staging.ts'
import { quietMs } from '../../../support/poll.ts'
import { findS3Server, startS3Server } from '../../../support/s3-server.ts'

const never = new AbortController().signal
const codeIs = (code: string) => (err: unknown): boolean => isClusterError(err) && err.code === code
async function * pieces (...all: Buffer[]): AsyncGenerator<Uint8Array> { yield * all }

/** Answers 200 to everything, and keeps more than it was sent. */
async function lyingServer (): Promise<{ endpoint: string, removed: string[], close: () => Promise<void> }> {
  const sizes = new Map<string, number>()
  const removed: string[] = []
  const server = createServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?')
    let bytes = 0
    request.on('data', (piece: Buffer) => { bytes += piece.length })
    request.on('end', () => {
      if (request.method === 'PUT') sizes.set(path, bytes + 87)
      if (request.method === 'DELETE') removed.push(path)
      const size = sizes.get(path)
      if (request.method === 'HEAD') response.writeHead(size == null ? 404 : 200, { 'content-length': size ?? 0 })
      else response.writeHead(request.method === 'DELETE' ? 204 : 200, { etag: '"x"' })
      response.end()
    })
  })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    removed,
    close: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  }
}

const settings = { bucket: 'b', region: 'us-east-1', accessKey: 'a', secretKey: 's', forcePathStyle: true }

describe('staging in S3', { timeout: quietMs(60_000) }, () => {
  it('refuses a server that has not stored what it was sent, and removes what it has', async () => {
    const server = await lyingServer()
    const staging = s3Staging({ ...settings, endpoint: server.endpoint }, { log: silentLogger })
    await staging.start(never)

    await assert.rejects(staging.put('key', pieces(Buffer.from('hello'))), codeIs('INVALID_DATA'))

    assert.deepEqual(server.removed, ['/b/staging/objects/key'])
    await staging.stop()
    await server.close()
  })

  it('starts while the server is away, says so, and goes on when it is back', async context => {
    const found = findS3Server()
    if ('missing' in found) {
      context.skip(found.missing)
      return
    }
    const server = await startS3Server(found.program)
    await server.pause()
    const staging = s3Staging(server.settings, { log: silentLogger })

    await staging.start(never)
    await assert.rejects(staging.put('key', pieces(Buffer.from('hello'))), codeIs('NOT_READY'))
    await server.resume()
    await staging.put('key', pieces(Buffer.from('hello')))

    assert.equal(await staging.size('key'), 5)
    await staging.stop()
    await server.close()
  })

  it('removes the parts of an upload whose process died', async context => {
    const found = findS3Server()
    if ('missing' in found) {
      context.skip(found.missing)
      return
    }
    const { CreateMultipartUploadCommand, ListMultipartUploadsCommand, S3Client, UploadPartCommand } = await import('@aws-sdk/client-s3')
    const server = await startS3Server(found.program)
    const { endpoint, region, bucket, accessKey, secretKey } = server.settings
    const client = new S3Client({
      endpoint, region, forcePathStyle: true, credentials: { accessKeyId: accessKey, secretAccessKey: secretKey }
    })
    const object = { Bucket: bucket, Key: 'staging/objects/dead' }
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(object))
    await client.send(new UploadPartCommand({ ...object, UploadId, PartNumber: 1, Body: Buffer.alloc(1000) }))
    const staging = s3Staging(server.settings, { log: silentLogger })
    await staging.start(never)

    await staging.remove('dead')

    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
    assert.deepEqual(Uploads, [])
    assert.deepEqual(await Array.fromAsync(staging.keys()), [])
    await staging.stop()
    client.destroy()
    await server.close()
  })
})
