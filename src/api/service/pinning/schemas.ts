import { z } from 'zod'
import {
  isTooLong, largestLimit, longestName, mostCids, mostMetadata, mostOrigins, nameMatches, pinningStatuses
} from '../../../model/pinning-service.ts'

const longestCid = 512

const name = z.string().refine(text => !isTooLong(text), `longer than ${longestName} characters`).meta({
  maxLength: longestName, description: 'For people, and for searches.'
})
const cid = z.string().min(1).max(longestCid).meta({ description: 'The root of what is to be pinned, recursively.' })
const origins = z.array(z.string().max(1024)).max(mostOrigins).meta({ description: 'Multiaddresses of nodes that have the content.' })
const meta = z.record(z.string(), z.string())
  .refine(pairs => Object.keys(pairs).length <= mostMetadata, `more than ${mostMetadata} values`)
  .meta({ description: 'Whatever the client likes to keep with the pin.' })

/** A pin as clients send it. Fields that aren't known are ignored. */
export const pinSchema = z.object({ cid, name: name.nullish(), origins: origins.nullish(), meta: meta.nullish() }).meta({ id: 'Pin' })
/** A checked body of POST and of a replacing POST. */
export type PinBody = z.infer<typeof pinSchema>

/** An update may leave the CID out: it stays. */
export const pinUpdateSchema = pinSchema.partial({ cid: true }).meta({ id: 'PinUpdate' })
/** The same of an update. */
export type PinUpdateBody = z.infer<typeof pinUpdateSchema>

const statusSchema = z.enum(pinningStatuses)

/** The specification's PinStatus. Used for the document; what is answered is made elsewhere. */
export const pinStatusSchema = z.object({
  requestid: z.string(),
  status: statusSchema,
  created: z.iso.datetime(),
  pin: z.object({ cid, name: name.optional(), origins: origins.optional(), meta: meta.optional() }),
  delegates: z.array(z.string()),
  info: z.record(z.string(), z.string()).optional()
}).meta({ id: 'PinStatus' })

/** The specification's PinResults. `count`: all that match, not only these. */
export const pinResultsSchema = z.object({
  count: z.int().min(0), results: z.array(pinStatusSchema).max(largestLimit)
}).meta({ id: 'PinResults' })

/** One text with commas, or the name repeated. */
const list = z.union([z.string(), z.array(z.string())]).optional()
const text = z.string().optional()

/** The options of a list, as they come; `readListQuery` reads them. */
export const listQuerySchema = z.object({
  cid: list.meta({ description: `At most ${mostCids} CIDs, with commas or repeated.` }),
  name: text.meta({ description: 'Only pins with this name.' }),
  match: text.meta({ description: 'How names are compared; without: exact.', enum: [...nameMatches] }),
  status: list.meta({ description: 'Only these statuses, with commas or repeated: queued, pinning, pinned, failed. Without: pinned.' }),
  before: text.meta({ description: 'Created before this time (RFC 3339), exclusive.', format: 'date-time' }),
  after: text.meta({ description: 'Created after this time (RFC 3339), exclusive.', format: 'date-time' }),
  limit: text.meta({ type: 'integer', minimum: 1, maximum: largestLimit, description: 'Length of the page; without: 10.' }),
  meta: text.meta({ description: 'A JSON object of texts: only pins with all of these in their meta.' })
})
/** A checked query of the list. */
export type ListQuery = z.infer<typeof listQuerySchema>
