import type { AccountOrder } from '../../../client/service/types.ts'

/** How the list of users is sorted. */
export interface UserSort { by: AccountOrder, isDescending: boolean }

const orders: readonly AccountOrder[] = ['email', 'used_bytes', 'last_seen_at', 'created_at', 'state']

/** As it stands in the address: `-used_bytes`. Anything else is by address. */
export function sortFrom (text: string | null): UserSort {
  const by = orders.find(order => order === text?.replace(/^-/, ''))
  return by == null ? { by: 'email', isDescending: false } : { by, isDescending: text?.startsWith('-') === true }
}

/** The same as the API has it. */
export const sortText = ({ by, isDescending }: UserSort): AccountOrder | `-${AccountOrder}` => isDescending ? `-${by}` : by

/** The same column once more turns it around; another one begins with what is looked for there: the largest, the latest, or A. */
export const nextSort = (now: UserSort, by: AccountOrder): UserSort =>
  now.by === by ? { by, isDescending: !now.isDescending } : { by, isDescending: by !== 'email' && by !== 'state' }
