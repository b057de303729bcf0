import type { FollowedFile } from '../../../../client/service/types.ts'
import { service } from '../../../data/clients.ts'
import { useLiveQueries } from '../../../data/live.ts'
import { useQuery } from '../../../data/query.ts'
import type { Query } from '../../../data/query.ts'
import { isMoving } from './file-kinds.ts'

/** One file, followed while it is on its way. */
export function useFile (cid: string): Query<FollowedFile> {
  const key = `file/${cid}`
  const query = useQuery(key, signal => service.files.get(cid, { signal }))
  useLiveQueries({ types: ['file'] }, key)
  const { data } = query
  // what waits for something tells soon when that has changed
  const pollMs = data == null || isMoving(data) ? 1000 : data.state === 'failed' ? 5000 : 15_000
  return useQuery(key, signal => service.files.get(cid, { signal }), { pollMs })
}
