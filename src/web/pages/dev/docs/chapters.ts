/** What the documentation consists of, in the order in which it is read. */
export type ChapterId = 'overview' | 'getting-started' | 'authentication' | 'command-line' | 'gateway' | 'api' | 'pinning-api'
  | 'cluster-api' | 'errors' | 'examples' | 'faq'

export interface Chapter { id: ChapterId, title: string }

const serviceChapters: readonly Chapter[] = [
  { id: 'overview', title: 'Overview' },
  { id: 'getting-started', title: 'Getting started' },
  { id: 'authentication', title: 'Authentication' },
  { id: 'command-line', title: 'IPFS command line' },
  { id: 'gateway', title: 'Gateway and pinning on demand' },
  { id: 'api', title: 'API reference' },
  { id: 'pinning-api', title: 'Pinning Service API' },
  { id: 'errors', title: 'Error codes' },
  { id: 'examples', title: 'Code examples' },
  { id: 'faq', title: 'Questions and answers' }
]
const clusterChapter: Chapter = { id: 'cluster-api', title: 'Cluster REST API' }

/** Those of the cluster's API are for who may use it. */
export function chaptersFor ({ site, isAdmin }: { site: 'service' | 'cluster', isAdmin: boolean }): readonly Chapter[] {
  if (site === 'cluster') return [clusterChapter]
  return isAdmin ? serviceChapters.toSpliced(7, 0, clusterChapter) : serviceChapters
}

/** The first chapter has the address of the documentation itself. */
export const addressOfChapter = (id: ChapterId): string => id === 'overview' ? '/docs' : `/docs/${id}`

/** Which chapter an address means; undefined when there is none of this name. */
export const chapterAt = (rest: string, chapters: readonly Chapter[]): Chapter | undefined =>
  rest === '' ? chapters[0] : chapters.find(({ id }) => id === rest)
