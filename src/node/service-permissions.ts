import type { Permission } from '../service/accounts/accounts.ts'
import { permissions as all } from '../service/accounts/accounts.ts'

/** What keys may do, for the program beside the peer. */
export const permissions: readonly Permission[] = all
