import type { PageEntry } from '../../app/page-entry.ts'

export const clusterPages: readonly PageEntry[] = []
