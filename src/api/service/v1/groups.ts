import { z } from 'zod'
import type { Groups } from '../../../service/files/files.ts'
import { success, successDoc } from '../answers.ts'
import type { ServiceRoute } from '../service-route.ts'
import { serviceRoute } from '../service-route.ts'
import { groupJson, groupSchema, nameText } from './file-json.ts'

const tag = 'Groups'
const read = { permission: 'files:read' } as const
const write = { permission: 'files:write' } as const
const params = { id: 'ID of a group of yours' }
const missing = { status: 404, about: 'No group of yours has this ID.' }
const taken = { status: 409, about: 'A group of yours has this name.' }
const body = z.strictObject({ name: nameText })

/** Everything below `/groups`. */
export function groupRoutes ({ groups }: { groups: Groups }): ServiceRoute[] {
  return [
    serviceRoute({
      method: 'GET',
      path: '/api/v1/groups',
      access: read,
      doc: { tag, summary: 'List your groups of files', responses: [successDoc(z.array(groupSchema))] },
      handler: async ({ caller: { user } }) => success({ data: (await groups.list(user.id)).map(groupJson) })
    }),
    serviceRoute({
      method: 'POST',
      path: '/api/v1/groups',
      access: write,
      body,
      doc: { tag, summary: 'Create a group', responses: [successDoc(groupSchema, { status: 201, message: true }), taken] },
      handler: async ({ caller: { user }, body: { name } }) =>
        success({
          status: 201,
          message: 'Group created successfully',
          data: groupJson(await groups.create({ id: user.id, workspace: user.workspace_id }, name))
        })
    }),
    serviceRoute({
      method: 'PATCH',
      path: '/api/v1/groups/{id}',
      access: write,
      body,
      doc: { tag, summary: 'Rename a group', params, responses: [successDoc(groupSchema, { message: true }), missing, taken] },
      handler: async ({ caller: { user }, params: { id = '' }, body: { name } }) =>
        success({ message: 'Group updated successfully', data: groupJson(await groups.rename(user.id, id, name)) })
    }),
    serviceRoute({
      method: 'DELETE',
      path: '/api/v1/groups/{id}',
      access: write,
      doc: { tag, summary: 'Delete a group; its files stay', params, responses: [successDoc(undefined, { message: true }), missing] },
      handler: async ({ caller: { user }, params: { id = '' } }) => {
        await groups.remove(user.id, id)
        return success({ message: 'Group deleted successfully' })
      }
    })
  ]
}
