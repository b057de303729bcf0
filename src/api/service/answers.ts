import { Readable } from 'node:stream'
import { z } from 'zod'
import type { HeaderList, RawReply, TextReply } from '../../http/answer/reply.ts'
import { jsonReply } from '../../http/answer/reply.ts'
import { peekStream } from '../common/peek-stream.ts'
import type { ServiceCall, ServiceResponseDoc } from './service-route.ts'

/** The envelope of a success: `{"status":201,"message":"…","data":{…}}`. `more` goes beside `data`. */
export interface Success {
  status?: number, message?: string, data?: unknown, more?: Readonly<Record<string, unknown>>, headers?: HeaderList
}

/** The service's envelope: status, a message for people, data, and what stands beside it (a cursor). */
export function success ({ status = 200, message, data, more, headers }: Success): TextReply {
  return jsonReply(JSON.stringify({ status, message, data, ...more }), status, headers)
}

/** 202 with the ID of the task that does it: `GET /api/v1/tasks/{task_id}` tells how far it is. */
export const taskStarted = (taskId: string, message = 'Task started'): TextReply =>
  success({ status: 202, message, data: { task_id: taskId } })

/** Nothing but a status and headers. */
export const bodiless = (status: number, headers: HeaderList = []): TextReply =>
  ({ kind: 'text', status, contentType: null, body: '', headers })

/**
 * Content as it comes; its first piece is awaited, so that what fails before it is answered with a status. `HEAD` gets the headers only,
 * and the source is not read. Give `Content-Length` where it is known.
 */
export async function stream (
  call: Pick<ServiceCall, 'method'>,
  { status = 200, headers, source }: { status?: number, headers: HeaderList, source: () => AsyncIterable<Uint8Array> }
): Promise<RawReply> {
  const pieces = call.method === 'HEAD' ? [] : await peekStream(source(), 1, ({ length }) => length)
  return { kind: 'raw', status, headers, body: Readable.from(pieces, { objectMode: false }) }
}

/** RFC 3339 in UTC without fractions, as in the documents: "2026-03-14T12:00:00Z". */
export const timeText = (unixMs: number): string => `${new Date(unixMs).toISOString().slice(0, 19)}Z`
/** The same; null stays null. */
export const timeOrNull = (unixMs: number | null): string | null => unixMs == null ? null : timeText(unixMs)

/** Schemas for the documents. */
export const time = z.iso.datetime()
/** The envelope as the OpenAPI document describes it. `more`: what stands beside the data. */
export const successDoc = (
  data?: z.ZodType,
  { status = 200, about = 'Done.', message = false, more = {} }: {
    status?: number, about?: string, message?: boolean, more?: Record<string, z.ZodType>
  } = {}
): ServiceResponseDoc => ({
  status,
  about,
  schema: z.object({ status: z.literal(status), ...(message ? { message: z.string() } : {}), ...(data == null ? {} : { data }), ...more })
})
