import type { PageEntry } from '../../app/page-entry.ts'

export const filesPages: readonly PageEntry[] = []
