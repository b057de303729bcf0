import type { PageEntry } from '../../app/page-entry.ts'

export const livePages: readonly PageEntry[] = []
