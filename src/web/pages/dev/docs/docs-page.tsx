import type { ComponentType } from 'preact'
import { site } from '../../../app/site.ts'
import { Link, useRouter } from '../../../app/router.tsx'
import { useSession } from '../../../app/session.ts'
import { Select } from '../../../ui/choices.tsx'
import { EmptyState } from '../../../ui/empty-state.tsx'
import { Page } from '../../../ui/page.tsx'
import { ApiReference } from './api-reference.tsx'
import type { Chapter, ChapterId } from './chapters.ts'
import { addressOfChapter, chapterAt, chaptersFor } from './chapters.ts'
import { Authentication, CommandLine, Gateway, GettingStarted, Overview } from './guide.tsx'
import { Errors, Examples, Questions } from './answers.tsx'
import './docs.css'

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
