import { z } from 'zod'
import type { LinesReply } from '../../../http/answer/reply.ts'
import { formatTime } from '../../../model/time.ts'
import type { PinOwner, Pins, TenantPin } from '../../../service/pins/pins.ts'
import { taskStarted } from '../answers.ts'
import type { ServiceRoute } from '../service-route.ts'
import { serviceRoute } from '../service-route.ts'

export interface PinTransferRoutesDeps {
  pins: Pick<Pins, 'all'>
  /** Begins to take over all pins of another service; gives the task. INVALID_ARGUMENT for an endpoint that may not be used. */
  startImport: (owner: PinOwner, access: { endpoint: string, token: string }) => Promise<string>
}

const importBody = z.object({
  endpoint: z.url().max(2048).meta({ description: 'Of the other service\'s Pinning Service API, as for `ipfs pin remote service add`.' }),
  token: z.string().min(1).max(8192).meta({ description: 'A key of that service that may list pins.' })
})

/** Pins from and to other pinning services. */
export function pinTransferRoutes ({ pins, startImport }: PinTransferRoutesDeps): ServiceRoute[] {
  return [
    serviceRoute({
      method: 'POST',
      path: '/api/v1/pins/import',
      access: { permission: 'pins:write' },
      body: importBody,
      doc: {
        tag: 'Pins',
        summary: 'Takes over all pins of another pinning service, as a task.',
        responses: [{
          status: 202, about: 'The task.',
          schema: z.object({ status: z.literal(202), message: z.string(), data: z.object({ task_id: z.string() }) })
        }]
      },
      handler: async ({ caller: { user }, body }) =>
        taskStarted(await startImport({ id: user.id, workspace: user.workspace_id }, body), 'Import started')
    }),
    serviceRoute({
      method: 'GET',
      path: '/api/v1/pins/export',
      access: { permission: 'pins:read' },
      doc: {
        tag: 'Pins', summary: 'All pins, oldest first, one JSON object per line.',
        responses: [{ status: 200, about: 'Lines as in the Pinning Service API.', contentType: 'application/x-ndjson' }]
      },
      handler: ({ caller, signal }) => linesOf(pins.all(caller.user.id, { signal }))
    })
  ]
}

function linesOf (batches: AsyncIterable<readonly TenantPin[]>): LinesReply {
  return {
    kind: 'lines',
    style: 'progress',
    contentType: 'application/x-ndjson',
    headers: [['Content-Disposition', 'attachment; filename="pins.ndjson"']],
    source: (async function * () {
      for await (const pins of batches) yield pins.map(pin => `${JSON.stringify(lineOf(pin))}\n`).join('')
    })()
  }
}

const lineOf = ({ requestId, status, created, cid, name, origins, meta, sizeBytes }: TenantPin): Record<string, unknown> =>
  ({ requestid: requestId, status, created: formatTime(created), pin: { cid, name, origins, meta }, size_bytes: sizeBytes })
