import { useMemo, useState } from 'preact/hooks'
import type { ClusterEvent } from '../../../client/event-stream.ts'
import { Link } from '../../app/router.tsx'
import { cluster, service } from '../../data/clients.ts'
import { exactTime, longDayText, secondText } from '../../data/format.ts'
import { useIsLive, useLive } from '../../data/live.ts'
import type { LiveSource } from '../../data/live.ts'
import { useQuery } from '../../data/query.ts'
import { Badge } from '../../ui/display/badge.tsx'
import { Button } from '../../ui/controls/button.tsx'
import { Select, Switch } from '../../ui/controls/choices.tsx'
import { EmptyState } from '../../ui/feedback/empty-state.tsx'
import { Icon } from '../../ui/icon.tsx'
import { Toolbar } from '../../ui/frame/layout.tsx'
import { QueryResult } from '../../ui/feedback/query-result.tsx'
import { Page } from '../../ui/frame/page.tsx'
import { Pager } from '../../ui/controls/pager.tsx'
import { Skeleton } from '../../ui/feedback/skeleton.tsx'
import { SearchField } from '../../ui/controls/text-field.tsx'
import { Cid, Name } from '../../ui/display/values.tsx'
import { eventWords, isFound } from './event-words.ts'
import './events-feed.css'

type About = string

export interface EventsFeedProps {
  from: LiveSource
  title: string
  intro: string
  /** What can be chosen to be shown alone. */
  abouts: ReadonlyArray<{ value: About, label: string }>
  /** For a log in which nothing is yet. */
  emptyText: string
  emptyAction?: { label: string, to: string }
}

const shownAtOnce = 100

/** All that the log still has, and what happens from there on. */
export function EventsFeed ({ from, title, intro, abouts, emptyText, emptyAction }: EventsFeedProps) {
  const [about, setAbout] = useState<About>('all')
  const [search, setSearch] = useState('')
  const query = useQuery(`${from}/events`, signal => logOf(from, signal), { keepMs: 0 })
  const { live, pausedAt, setPaused } = useComing(from, query.reload)
  const waiting = pausedAt == null ? 0 : live.length - pausedAt
  const shown = useMemo(
    () => query.data == null ? undefined : withEvents(query.data, live.slice(0, pausedAt ?? live.length)), [query.data, live, pausedAt]
  )

  return <Page title={title} intro={intro} actions={<LiveBadge from={from}/>}>
    <Toolbar label="Which events are shown">
      <SearchField label="Search in the events" value={search} onChange={setSearch} placeholder="Name, CID, peer"/>
      <Select label="Show" value={about} options={[{ value: 'all', label: 'All' }, ...abouts]} onChange={setAbout}/>
      <Switch label="Pause" checked={pausedAt != null} onChange={setPaused}/>
    </Toolbar>
    <div class="events-feed__news" aria-live="polite">
      {waiting > 0 && <p class="events-feed__waiting">
        <Button size="small" icon="arrowDown" onClick={() => setPaused(false)}>{waiting === 1 ? 'Show 1 new event' : `Show ${waiting} new events`}</Button>
      </p>}
    </div>
    <QueryResult query={{ ...query, data: shown }} skeleton={<Skeleton lines={8} height="2.5rem" label="The events are loading"/>} empty={{
      when: events => events.length === 0,
      show: <EmptyState title="Nothing has happened yet" icon="zap" {...(emptyAction == null ? {} : { action: <Button to={emptyAction.to}>
        {emptyAction.label}
      </Button> })}>
        {emptyText}
      </EmptyState>
    }}>{events => <Found events={events} about={about} search={search}/>}</QueryResult>
  </Page>
}

/** What has come since the page was opened, oldest first; `pausedAt`: how much of it is shown. */
function useComing (from: LiveSource, reload: () => void) {
  const [{ events: live, pausedAt }, setComing] = useState<Coming>({ events: [], pausedAt: null })
  useLive({
    from,
    missed: () => {
      setComing({ events: [], pausedAt: null })
      reload()
    }
  }, event => setComing(old => withComing(old, event)))
  return {
    live, pausedAt, setPaused: (isPaused: boolean) => setComing(({ events }) => ({ events, pausedAt: isPaused ? events.length : null }))
  }
}

async function logOf (from: LiveSource, signal: AbortSignal): Promise<ClusterEvent[]> {
  const events: ClusterEvent[] = []
  for await (const event of (from === 'own' ? service : cluster).events({ after: 'oldest', wait: false, signal })) events.push(event)
  return withEvents([], events)
}

function LiveBadge ({ from }: { from: LiveSource }) {
  const isLive = useIsLive(from)
  return <span role="status">
    {isLive ? <Badge tone="good" icon="activity" title="Events are shown as they happen">Live</Badge> : <Badge tone="warn" icon="clock" title="The connection is being made">Connecting…</Badge>}
  </span>
}

function Found ({ events, about, search }: { events: readonly ClusterEvent[], about: About, search: string }) {
  const [count, setCount] = useState(shownAtOnce)
  const found = useMemo(
    () => events.filter(event => (about === 'all' || event.type.startsWith(`${about}.`) || event.type === about) && isFound(event, search)),
    [events, about, search]
  )
  if (found.length === 0) return <EmptyState title="No event fits" icon="search">Look for something else, or show all of them.</EmptyState>
  return <>
    {byDay(found.slice(0, count), longDayText).map(({ day, events: own }) => <section key={day} class="events-feed__day" aria-label={day}>
      <h2 class="events-feed__date">{day}</h2>
      <ol class="events-feed__list">{own.map(event => <EventRow key={event.id} event={event}/>)}</ol>
    </section>)}
    <Pager isMore={found.length > count} onMore={() => setCount(count + shownAtOnce)}
      shown={Math.min(count, found.length)} total={found.length}/>
  </>
}

function EventRow ({ event }: { event: ClusterEvent }) {
  const { what, tone, icon, name, cid, to, detail } = eventWords(event)
  const at = Date.parse(event.at)
  return <li class="events-feed__event">
    <time class="events-feed__time" dateTime={event.at} title={exactTime(at)}>{secondText(at)}</time>
    <span class={`events-feed__icon events-feed__icon--${tone}`}><Icon name={icon}/></span>
    <span class="events-feed__what">{to == null ? what : <Link to={to}>{what}</Link>}</span>
    <span class="events-feed__about">
      {name !== '' && <Name text={name}/>}
      {cid != null && name !== cid && <Cid cid={cid}/>}
      {detail !== '' && <span class={tone === 'bad' ? 'events-feed__detail events-feed__detail--bad' : 'events-feed__detail'}><Name text={detail}/></span>}
    </span>
  </li>
}

/** As many as a page keeps. */
const keptEvents = 2000

/** What has come since a page was opened, oldest first. `pausedAt`: so many of them are shown; null: all. */
interface Coming { events: readonly ClusterEvent[], pausedAt: number | null }

/** One more. A page may be open for days: of what isn't shown, or not any more, the oldest goes. */
function withComing ({ events, pausedAt }: Coming, event: ClusterEvent): Coming {
  const shown = pausedAt == null ? [] : events.slice(0, pausedAt)
  return { events: [...shown, ...[...events.slice(shown.length), event].slice(-keptEvents)], pausedAt }
}

/** Newest first, each once: what was read and what has come since may overlap. */
function withEvents (known: readonly ClusterEvent[], more: readonly ClusterEvent[]): ClusterEvent[] {
  const ids = new Set(known.map(({ id }) => id))
  const fresh = more.filter(({ id }) => !ids.has(id))
  return fresh.length === 0 ? [...known] : [...fresh.toReversed(), ...known].slice(0, keptEvents)
}

/** By day, in the reader's zone. */
function byDay (events: readonly ClusterEvent[], dayOf: (at: number) => string): Array<{ day: string, events: ClusterEvent[] }> {
  const days: Array<{ day: string, events: ClusterEvent[] }> = []
  for (const event of events) {
    const day = dayOf(Date.parse(event.at))
    const last = days.at(-1)
    if (last?.day === day) last.events.push(event)
    else days.push({ day, events: [event] })
  }
  return days
}
