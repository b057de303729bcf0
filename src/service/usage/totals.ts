import { sql } from 'kysely'
import type { PinningStatus } from '../../model/pinning-service.ts'
import type { SqlDatabase } from '../sql/sql.ts'
import type { FileState, TaskState, UserState } from '../sql/tables.ts'

/** Figures of the whole service. What there is none of may be missing. */
export interface ServiceTotals {
  users: Partial<Record<UserState, number>>
  files: Partial<Record<FileState, number>>
  pins: Partial<Record<PinningStatus, number>>
  tasks: Partial<Record<TaskState, number>>
  /** Items of the pinset that still have to be made or removed. */
  unappliedPins: number
  openUploads: number
  /** Sums over all users: what is held and reserved, what is allowed. */
  usedBytes: number
  quotaBytes: number
  /** Users above nine tenths of their quota. */
  nearlyFullUsers: number
}

/** For metrics and admins: sums of counters, nothing that takes longer with more files or pins. */
export async function serviceTotals ({ db }: Pick<SqlDatabase, 'db'>): Promise<ServiceTotals> {
  const [users, counters, tasks, unapplied, uploads] = await Promise.all([
    db.selectFrom('users').select(({ fn }) => [
      'state', fn.countAll<number>().as('count'), fn.sum<number>('used_bytes').as('used'), fn.sum<number>('quota_bytes').as('quota'),
      sql<number>`sum(case when used_bytes * 10 > quota_bytes * 9 then 1 else 0 end)`.as('full')
    ]).groupBy('state').execute(),
    db.selectFrom('counters').select(({ fn }) => ['name', fn.sum<number>('value').as('value')]).groupBy('name').execute(),
    db.selectFrom('tasks').select(({ fn }) => ['state', fn.countAll<number>().as('count')]).groupBy('state').execute(),
    db.selectFrom('cluster_pins').select(({ fn }) => fn.countAll<number>().as('count')).where('applied', '=', 0).executeTakeFirst(),
    db.selectFrom('uploads').select(
      ({ fn }) => fn.countAll<number>().as('count')
    ).where('state', 'in', ['open', 'finishing']).executeTakeFirst()
  ])
  const sum = (column: 'used' | 'quota' | 'full'): number => users.reduce((total, row) => total + row[column], 0)
  return {
    users: Object.fromEntries(users.map(({ state, count }) => [state, count])),
    files: counted(counters, 'files:'),
    pins: counted(counters, 'pins:'),
    tasks: Object.fromEntries(tasks.map(({ state, count }) => [state, count])),
    unappliedPins: unapplied?.count ?? 0,
    openUploads: uploads?.count ?? 0,
    usedBytes: sum('used'),
    quotaBytes: sum('quota'),
    nearlyFullUsers: sum('full')
  }
}

const counted = (counters: ReadonlyArray<{ name: string, value: number }>, prefix: string): Record<string, number> =>
  Object.fromEntries(counters.filter(({ name }) => name.startsWith(prefix)).map(({ name, value }) => [name.slice(prefix.length), value]))
