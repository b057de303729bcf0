import { useEffect, useRef, useState } from 'preact/hooks'
import type { FollowedFile } from '../../../../client/service/types.ts'
import { gatewayLink, ownOrigin } from '../../../app/site.ts'
import { Link, useRouter } from '../../../app/router.tsx'
import { useSession } from '../../../app/session.ts'
import { bytesText, countText, shownName } from '../../../data/format.ts'
import { useAction, useQuery } from '../../../data/query.ts'
import { Button } from '../../../ui/controls/button.tsx'
import { CopyButton } from '../../../ui/controls/copy.tsx'
import { EmptyState } from '../../../ui/feedback/empty-state.tsx'
import { ErrorState } from '../../../ui/feedback/error-state.tsx'
import { Form } from '../../../ui/controls/form.tsx'
import { Icon } from '../../../ui/icon.tsx'
import { Row, Stack } from '../../../ui/frame/layout.tsx'
import { Page, Section } from '../../../ui/frame/page.tsx'
import { Pager } from '../../../ui/controls/pager.tsx'
import { Spinner } from '../../../ui/feedback/skeleton.tsx'
import { TextField } from '../../../ui/controls/text-field.tsx'
import { Bytes, Name } from '../../../ui/display/values.tsx'
import { addressOf, contentLinkOf, textOfLink } from './content-link.ts'
import type { ContentLink } from './content-link.ts'
import { Preview } from './preview.tsx'
import { findContent, NotFoundError, shardEntries } from './retrieve-query.ts'
import type { Found } from './retrieve-query.ts'
import type { UnixFsEntry } from './unixfs-block.ts'
import './retrieve-page.css'

/** Content by its CID or a link: a preview, what a folder has in it, and the download. */
export default function RetrievePage () {
  const { query, setQuery } = useRouter()
  const isUser = useSession().kind === 'user'
  const asked = query.get('cid') ?? ''
  const link = contentLinkOf(asked)
  const [text, setText] = useState(asked)
  const [isWrong, setWrong] = useState(asked !== '' && link == null)
  const shownFor = useRef(asked)
  useEffect(() => {
    // not for the first time: somebody may have typed before this runs
    if (shownFor.current === asked) return
    shownFor.current = asked
    setText(asked)
    setWrong(asked !== '' && link == null)
  }, [asked])
  const go = (): void => {
    const wanted = contentLinkOf(text)
    setWrong(wanted == null)
    if (wanted != null) setQuery({ cid: textOfLink(wanted), name: null }, { replace: false })
  }
  return (
    <Page title="Retrieve" intro="Look at something of IPFS, or download it.">
      <Form onSubmit={go} label="Retrieve">
        <Row class="retrieve-page__form">
          <TextField
            label="CID or link" value={text} onChange={setText} required mono spellcheck={false}
            placeholder="bafy…, ipfs://… or https://…/ipfs/…" name="cid"
            {...(isWrong ? { error: 'This is neither a CID nor a link to one.' } : {})}
          />
          <Button type="submit" kind="primary" icon="search">Show</Button>
        </Row>
      </Form>
      {link == null
        ? !isWrong && <EmptyState title="Nothing asked for yet" icon="globe">
          A CID names content, wherever it is.{isUser ? ' Yours are in Files.' : ''}
        </EmptyState>
        : <Content key={textOfLink(link)} link={link} name={query.get('name')}/>}
    </Page>
  )
}

function Content ({ link, name }: { link: ContentLink, name: string | null }) {
  const session = useSession()
  const isUser = session.kind === 'user'
  const [isPatient, setPatient] = useState(true)
  const found = useQuery(
    `retrieve/${isUser}/${textOfLink(link)}`, signal => findContent(link, { name, isUser }, signal),
    { isEnabled: session.kind !== 'loading' && isPatient }
  )
  if (found.data != null) return <Shown link={link} found={found.data}/>
  if (found.error instanceof NotFoundError) return <NotFound link={link} own={found.error.own} isUser={isUser} onRetry={found.reload}/>
  if (found.error != null) return <ErrorState error={found.error} title="It can not be shown" onRetry={found.reload}/>
  if (!isPatient) return <EmptyState title="Stopped looking" icon="search" action={<Button onClick={() => setPatient(true)}>
    Look again
  </Button>}/>
  return <Row class="retrieve-page__wait"><Spinner label="Looking for it"/> <span>Looking for it here and in the network…</span> <Button size="small" onClick={() => setPatient(false)}>Stop</Button></Row>
}

function NotFound ({ link, own, isUser, onRetry }: { link: ContentLink, own: FollowedFile | null, isUser: boolean, onRetry: () => void }) {
  if (own != null && link.path.length === 0) {
    return (
      <EmptyState title="It is not here yet" icon="clock" action={<Row align="center">
        <Button kind="primary" to={`/files/${own.cid}`}>What it waits for</Button>
        <Button icon="refresh" onClick={onRetry}>Try again</Button>
      </Row>}>
        It is in your files, and its content has not come so far.
      </EmptyState>
    )
  }
  return (
    <EmptyState
      title="Nobody here has it" icon="search"
      action={<Row align="center">
        {isUser && link.namespace === 'ipfs' && <Button kind="primary" icon="pin" to={`/files?pin=${encodeURIComponent(link.root)}`}>Pin from CID</Button>}
        <Button icon="refresh" onClick={onRetry}>Try again</Button>
      </Row>}
    >
      {link.path.length > 0 ? 'There may be no such path in it, or its' : 'Its'} content is not at this service, and no peer that can be
      reached gives it.
    </EmptyState>
  )
}

function Shown ({ link, found }: { link: ContentLink, found: Found }) {
  const share = link.namespace === 'ipns' ? `${ownOrigin()}/ipns/${addressOf(link)}` : `${gatewayLink(link.root)}${link.path.map(step => `/${encodeURIComponent(step)}`).join('')}`
  const facts = [
    found.kind === 'file' ? typeText(found.type) : found.more != null ? 'A large folder' : `Folder with ${countText(found.entries.length)} ${found.entries.length === 1 ? 'entry' : 'entries'}`,
    ...(found.kind === 'file' && found.sizeBytes != null ? [bytesText(found.sizeBytes)] : [])
  ]
  return (
    <Section
      title={shownName(found.name)}
      intro={facts.filter(text => text !== '').join(', ')}
      actions={<>
        <Button kind="primary" icon="download" href={found.download} download="">{found.kind === 'directory' ? 'Download as tar' : 'Download'}</Button>
        <CopyButton text={share} label="Copy link" size="normal"/>
        <Button icon="external" href={share}>Open in gateway</Button>
        {found.own != null && <Button kind="quiet" to={`/files/${found.own.cid}`}>Details</Button>}
      </>}
    >
      <Stack>
        <Crumbs link={link}/>
        {found.kind === 'file' ? <Preview file={found}/> : <Folder link={link} found={found}/>}
      </Stack>
    </Section>
  )
}

/** What nobody knows better says nothing. */
const typeText = (type: string): string => type === 'application/octet-stream' ? '' : type.split(';')[0] ?? ''

const pageOf = (link: ContentLink): string => `/retrieve?cid=${encodeURIComponent(textOfLink(link))}`

function Crumbs ({ link }: { link: ContentLink }) {
  if (link.path.length === 0) return null
  return (
    <nav aria-label="Path">
      <ol class="retrieve-page__crumbs">
        <li><Link to={pageOf({ ...link, path: [] })}>{link.root.slice(0, 9)}…</Link></li>
        {link.path.map((step, at) => <li key={at}>
          {at === link.path.length - 1 ? <Name text={step}/> : <Link to={pageOf({ ...link, path: link.path.slice(0, at + 1) })}><Name text={step}/></Link>}
        </li>)}
      </ol>
    </nav>
  )
}

/** So many are drawn at a time. */
const shownAtOnce = 500

function Folder ({ link, found }: { link: ContentLink, found: Found & { kind: 'directory' } }) {
  const { entries, isMore, isLoading, onMore } = useEntries(found)
  if (entries.length === 0 && !isMore) return <EmptyState title="The folder is empty" icon="folder"/>
  return <>
    <ul class="retrieve-page__folder" aria-label="Entries">
      {entries.map(({ name, sizeBytes, isFile }, at) => (
        <li key={`${at} ${name}`}>
          <Icon name={isFile ? 'file' : 'folder'} size={18}/>
          <Link to={pageOf({ ...link, path: [...link.path, name] })}><Name text={name}/></Link>
          <span class="retrieve-page__size"><Bytes value={sizeBytes}/></span>
        </li>
      ))}
    </ul>
    {(isMore || entries.length > shownAtOnce) && <Pager isMore={isMore} isLoading={isLoading} onMore={onMore}
      shown={entries.length} {...(found.more == null ? { total: found.entries.length } : {})}/>}
  </>
}

/** The entries that are shown, and a way to more of them. */
function useEntries (
  { entries, more }: Found & { kind: 'directory' }
): { entries: readonly UnixFsEntry[], isMore: boolean, isLoading: boolean, onMore: () => void } {
  const [count, setCount] = useState(shownAtOnce)
  const stop = useRef(new AbortController())
  useEffect(() => () => stop.current.abort(), [])
  const reading = useAction(async () => more?.more(shardEntries, stop.current.signal))
  return more == null
    ? { entries: entries.slice(0, count), isMore: entries.length > count, isLoading: false, onMore: () => setCount(count + shownAtOnce) }
    : { entries: more.entries, isMore: !more.isAtEnd, isLoading: reading.isRunning, onMore: () => { void reading.run() } }
}
