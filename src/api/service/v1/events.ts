import { z } from 'zod'
import type { Clock } from '../../../base/clock.ts'
import { eventStream } from '../../../events/event-stream.ts'
import { isWanted } from '../../../events/events.ts'
import type { LinesReply } from '../../../http/answer/reply.ts'
import { typeList, wrongChoice } from '../../../model/event-types.ts'
import type { Caller, Permission } from '../../../service/accounts/accounts.ts'
import { userEventTypes } from '../../../service/events/user-events.ts'
import type { UserEvents } from '../../../service/events/user-events.ts'
import type { ServiceRoute } from '../service-route.ts'
import { serviceRoute } from '../service-route.ts'

export interface EventRoutesDeps { events: Pick<UserEvents, 'follow'>, clock: Clock }

/** Who may read what. */
const readers: ReadonlyArray<readonly [about: string, permission: Permission]> = [
  ['file', 'files:read'], ['pin', 'pins:read'], ['task', 'account:read']
]
const nothing = 'nothing'

const eventTypes = z.string().max(500).transform(typeList).superRefine((types, { addIssue }) => {
  const message = wrongChoice(types, userEventTypes)
  if (message != null) addIssue({ code: 'custom', message })
})
const query = z.object({
  types: eventTypes.optional().describe(
    'Comma list: types such as `pin.status`, or what they are about (`file`, `pin`, `task`). Default: all.'
  ),
  after: z.string().max(100).optional().describe(
    '`id` of the last event that was read, as the header Last-Event-ID; `oldest`: all that is kept. Default: from now on.'
  ),
  wait: z.enum(['true', 'false']).optional().describe('false: the stream ends behind what there is now.')
})

/** What happens to the caller's own things, as it happens. */
export function eventRoutes ({ events, clock }: EventRoutesDeps): ServiceRoute[] {
  return [
    serviceRoute({
      method: 'GET',
      path: '/api/v1/events',
      access: { permission: 'account:read' },
      query,
      doc: {
        tag: 'Events',
        summary: 'What happens to your files, pins and tasks, as server-sent events',
        headers: { 'Last-Event-ID': { about: '`id` of the last event that was read: what came since is told first.' } },
        responses: [{
          status: 200, about: 'Events: id, type, at, data. The first is `ready`; `missed` says that some were dropped.',
          contentType: 'text/event-stream'
        }]
      },
      handler: ({ method, caller, query: { types = [], after, wait }, headers, signal }) => {
        const feed = { follow: (options: Parameters<UserEvents['follow']>[1]) => events.follow(caller.user.id, options) }
        const last = headers['last-event-id']
        return eventsReply(
          eventStream(
            {
              after: typeof last === 'string' && last !== '' ? last : after, types: allowedTypes(caller, types),
              waits: wait !== 'false' && method !== 'HEAD', signal
            },
            { feed, clock }
          )
        )
      }
    })
  ]
}

const eventsReply = (source: AsyncIterable<Uint8Array>): LinesReply => ({
  kind: 'lines', style: 'list', contentType: 'text/event-stream', headers: [['Cache-Control', 'no-store'], ['X-Accel-Buffering', 'no']],
  source
})

/** A key that may not list the files doesn't hear of them either. */
function allowedTypes ({ permissions }: Caller, wanted: readonly string[]): string[] {
  const allowed = readers.filter(([, permission]) => permissions.has(permission)).map(([about]) => about)
  if (allowed.length === readers.length) return [...wanted]
  const types = wanted.length === 0 ? allowed : wanted.filter(type => isWanted(type, allowed))
  return types.length === 0 ? [nothing] : types
}
