import * as sdk from '@aws-sdk/client-s3'
import type { PutObjectCommandInput, S3Client } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import type { Readable } from 'node:stream'
import type { S3StagingInit } from './s3-staging.ts'

/** An object or a part as the server lists it. */
export interface Listed { key: string, sizeBytes: number, changedAt: number }

/** What staging needs of an S3 server. Rejects as the SDK does. */
export interface Bucket {
  /** In parts when it is larger than one; keeps nothing when it rejects. */
  upload (key: string, source: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void>
  put (key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void>
  /** Bytes; null: not there. */
  size (key: string, signal?: AbortSignal): Promise<number | null>
  /** Null: not there. Nothing, when there is nothing at `from`. */
  read (key: string, range: { from: number, before: number }, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array> | null>
  remove (key: string): Promise<void>
  /** By name. */
  list (prefix: string, signal?: AbortSignal): AsyncIterable<Listed>
  /** Ends uploads of this key that were begun and never ended. */
  endUnfinished (key: string): Promise<void>
  close (): void
}

/** Two parts are under way at most. */
const partsUnderWay = 2

/** The SDK is large. It comes with this file, which is loaded by who wants S3 (`import()` of its CommonJS has no names in a bundle). */
export async function s3Bucket (init: S3StagingInit & { partBytes: number }): Promise<Bucket> {
  const { bucket, partBytes } = init
  const client = connect(init)
  const options = (signal?: AbortSignal): { abortSignal?: AbortSignal } => signal == null ? {} : { abortSignal: signal }

  return {
    async upload (key, source, signal) {
      const { Readable } = await import('node:stream')
      const body = Readable.from(source, { objectMode: false })
      const params: PutObjectCommandInput = { Bucket: bucket, Key: key, Body: body }
      const upload = new Upload({ client, params, partSize: partBytes, queueSize: partsUnderWay, leavePartsOnError: false })
      const abort = (): void => { void upload.abort() }
      signal?.addEventListener('abort', abort, { once: true })
      try {
        await upload.done()
      } finally {
        signal?.removeEventListener('abort', abort)
        body.destroy()
      }
    },
    async put (key, bytes, signal) {
      await client.send(new sdk.PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, ContentLength: bytes.length }), options(signal))
    },
    async size (key, signal) {
      const found = await unlessMissing(client.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: key }), options(signal)))
      return found == null ? null : found.ContentLength ?? 0
    },
    async read (key, { from, before }, signal) {
      const range = from === 0 && before === Infinity ? {} : { Range: `bytes=${from}-${before === Infinity ? '' : before - 1}` }
      try {
        const found = await unlessMissing(client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: key, ...range }), options(signal)))
        return found == null ? null : found.Body as Readable
      } catch (err) {
        if (statusOf(err) === 416) return nothing()
        throw err
      }
    },
    async remove (key) {
      await unlessMissing(client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: key })))
    },
    async * list (prefix, signal) {
      for await (const page of sdk.paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix }, options(signal))) {
        for (const { Key, Size, LastModified } of page.Contents ?? []) {
          yield { key: Key ?? '', sizeBytes: Size ?? 0, changedAt: LastModified?.getTime() ?? 0 }
        }
      }
    },
    async endUnfinished (key) {
      const { Uploads = [] } = await client.send(new sdk.ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key }))
      for (const { Key, UploadId } of Uploads) {
        if (Key === key) await unlessMissing(client.send(new sdk.AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId })))
      }
    },
    close () { client.destroy() }
  }
}

const connect = ({ endpoint, region, accessKey, secretKey, forcePathStyle }: S3StagingInit): S3Client => new sdk.S3Client({
  endpoint,
  region,
  forcePathStyle,
  credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  // else ranges fail on some servers
  responseChecksumValidation: 'WHEN_REQUIRED',
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 5000, requestTimeout: 60_000 }
})

async function * nothing (): AsyncGenerator<Uint8Array, void, undefined> {}

/** The status of the server's answer; undefined when there was none. */
export const statusOf = (err: unknown): number | undefined => (err as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode

async function unlessMissing<T> (promise: Promise<T>): Promise<T | null> {
  try {
    return await promise
  } catch (err) {
    if (statusOf(err) === 404 && (err as Error).name !== 'NoSuchBucket') return null
    throw err
  }
}
