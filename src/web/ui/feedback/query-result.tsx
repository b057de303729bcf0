import type { ComponentChildren } from 'preact'
import type { Query } from '../../data/query.ts'
import { ErrorState } from './error-state.tsx'
import { Skeleton } from './skeleton.tsx'

export interface QueryResultProps<T> {
  query: Query<T>
  skeleton?: ComponentChildren
  empty?: { when: (data: T) => boolean, show: ComponentChildren }
  children: (data: T) => ComponentChildren
}

/** What a query gives, in whatever state it is. What was known stays when asking again fails. */
export function QueryResult<T> ({ query, skeleton, empty, children }: QueryResultProps<T>) {
  const { data, error, reload } = query
  if (data === undefined) return error == null ? <>
    {skeleton ?? <Skeleton label="Loading"/>}
  </> : <ErrorState error={error} onRetry={reload}/>
  return <>
    {error != null && <ErrorState compact error={error} title="This may be old" onRetry={reload}/>}
    {empty?.when(data) === true ? empty.show : children(data)}
  </>
}
