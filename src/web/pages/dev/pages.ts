import type { PageEntry } from '../../app/page-entry.ts'

export const devPages: readonly PageEntry[] = []
