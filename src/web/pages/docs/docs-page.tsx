import type { ComponentType } from 'preact'
import { site } from '../../app/site.ts'
import { Link, useRouter } from '../../app/router.tsx'
import { useSession } from '../../app/session.ts'
import { Select } from '../../ui/controls/choices.tsx'
import { EmptyState } from '../../ui/feedback/empty-state.tsx'
import { Page } from '../../ui/frame/page.tsx'
import { ApiReference } from './api-reference.tsx'
import { Authentication, CommandLine, Gateway, GettingStarted, Overview } from './guide.tsx'
import { Errors, Examples, Questions } from './answers.tsx'
import './docs.css'

/** What the documentation consists of, in the order in which it is read. */
type ChapterId = 'overview' | 'getting-started' | 'authentication' | 'command-line' | 'gateway' | 'api' | 'pinning-api'
  | 'cluster-api' | 'errors' | 'examples' | 'faq'

interface Chapter { id: ChapterId, title: string }

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
function chaptersFor ({ site, isAdmin }: { site: 'service' | 'cluster', isAdmin: boolean }): readonly Chapter[] {
  if (site === 'cluster') return [clusterChapter]
  return isAdmin ? serviceChapters.toSpliced(7, 0, clusterChapter) : serviceChapters
}

/** The first chapter has the address of the documentation itself. */
const addressOfChapter = (id: ChapterId): string => id === 'overview' ? '/docs' : `/docs/${id}`

/** Which chapter an address means; undefined when there is none of this name. */
const chapterAt = (rest: string, chapters: readonly Chapter[]): Chapter | undefined =>
  rest === '' ? chapters[0] : chapters.find(({ id }) => id === rest)

/** The documentation: chapters to read, and the reference of each API out of the document that it serves itself. */
export default function DocsPage () {
  const { params } = useRouter()
  const session = useSession()
  const chapters = chaptersFor({ site: site.kind, isAdmin: session.kind === 'user' && session.role === 'admin' })
  const chapter = chapterAt(params.rest ?? '', chapters)
  const Content = chapter == null ? Unknown : contents[chapter.id]
  return (
    <Page title={chapter == null || chapter.id === 'overview' ? 'Documentation' : chapter.title}>
      <div class="docs">
        {chapters.length > 1 && <Chapters chapters={chapters} active={chapter?.id} />}
        <div class="docs__content"><Content key={chapter?.id} /></div>
      </div>
    </Page>
  )
}

/** On small screens a list to choose from: ten links would stand before the text. */
function Chapters ({ chapters, active }: { chapters: readonly Chapter[], active: ChapterId | undefined }) {
  const { go } = useRouter()
  return (
    <nav class="docs__chapters" aria-label="Documentation">
      <div class="docs__choose">
        <Select
          label="Chapter" value={active ?? ''} onChange={id => go(addressOfChapter(id as ChapterId))}
          options={[
            ...(active == null ? [{ value: '', label: 'Choose a chapter' }] : []),
            ...chapters.map(({ id, title }) => ({ value: id as string, label: title }))
          ]}
        />
      </div>
      <ul>
        {chapters.map(({ id, title }) => (
          <li key={id}>
            <Link to={addressOfChapter(id)} class="docs__chapter" {...(id === active ? { 'aria-current': 'page' as const } : {})}>
              {title}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}

const Unknown = () => <EmptyState title="There is no such chapter" icon="book">Choose one of the list.</EmptyState>

const ServiceApi = () => <ApiReference document="/api/v1/openapi.json" />
const PinningApi = () => <ApiReference document="/api/pinning/openapi.json" />
const ClusterApi = () => <ApiReference document="/api/cluster/openapi.json" base="/api/cluster" />

const contents: Record<ChapterId, ComponentType> = {
  overview: Overview,
  'getting-started': GettingStarted,
  authentication: Authentication,
  'command-line': CommandLine,
  gateway: Gateway,
  api: ServiceApi,
  'pinning-api': PinningApi,
  'cluster-api': ClusterApi,
  errors: Errors,
  examples: Examples,
  faq: Questions
}
