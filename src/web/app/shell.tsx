import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { errorText } from '../data/errors.ts'
import { useStore } from '../data/store.ts'
import { Button } from '../ui/controls/button.tsx'
import { Menu } from '../ui/controls/menu.tsx'
import { toast } from '../ui/feedback/toast-store.ts'
import { Icon } from '../ui/icon.tsx'
import { site } from './site.ts'
import { findPath } from './path-pattern.ts'
import { sitesOf } from './page-entry.ts'
import type { MenuPlace, PageEntry } from './page-entry.ts'
import { pages } from './pages.ts'
import { Link, navigate, place } from './router.tsx'
import { isAdmin, session as account } from './session.ts'
import type { Session } from './session.ts'

type Item = MenuPlace & { path: string }

const groups: ReadonlyArray<{ group: MenuPlace['group'], label: string }> = [
  { group: 'main', label: 'Yours' },
  { group: 'cluster', label: 'Cluster' },
  { group: 'admin', label: 'Administration' }
]

function itemsFor (session: Session): Item[] {
  return pages
    .filter(page => page.menu != null && sitesOf(page).includes(site.kind) && isFor(page, session))
    .map(page => ({ ...page.menu as MenuPlace, path: page.path.replace(/\/\*$/, '') }))
    .toSorted((a, b) => a.order - b.order)
}

function isFor ({ audience }: PageEntry, session: Session): boolean {
  if (audience === 'everyone') return true
  if (session.kind === 'guest') return false
  if (session.kind === 'loading') return audience === 'user' && session.expected != null
  return audience === 'user' ? true : audience !== 'guest' && isAdmin(session)
}

/** What is around every page: the way to the others. */
export function Shell ({ session, page, children }: { session: Session, page: PageEntry | null, children: ComponentChildren }) {
  const isGuest = session.kind === 'guest'
  const [isOpen, setOpen] = useState(false)
  const at = useStore(place)
  useEffect(() => setOpen(false), [at.visit])
  return <div class={`shell ${isGuest ? 'shell--guest' : 'shell--inside'}`}>
    <a class="skip-link" href="#main">Skip to the content</a>
    <header class="topbar">
      <Link to={site.kind === 'cluster' ? '/cluster' : '/'} class="topbar__brand" aria-label="Helia Cluster, start page"><Logo/><span>Helia <b>Cluster</b></span></Link>
      {isGuest ? <GuestMenu session={session}/> : <>
        <span class="topbar__space"/>
        <span class="topbar__user"><UserMenu session={session}/></span>
        <span class="topbar__toggle"><MenuButton isOpen={isOpen} onToggle={() => setOpen(!isOpen)}/></span>
      </>}
    </header>
    {!isGuest && <Side session={session} isOpen={isOpen} onClose={() => setOpen(false)}/>}
    <main id="main" class={page?.wide === true ? 'main main--wide' : 'main'} tabIndex={-1}>{children}</main>
    {isGuest && <Footer/>}
  </div>
}

const MenuButton = ({ isOpen, onToggle }: { isOpen: boolean, onToggle: () => void }) =>
  <button type="button" class="button button--quiet button--icon-only" aria-expanded={isOpen} aria-controls="side" aria-label="Menu" onClick={onToggle}>
    <Icon name={isOpen ? 'close' : 'menu'}/>
  </button>

function Side ({ session, isOpen, onClose }: { session: Session, isOpen: boolean, onClose: () => void }) {
  const nav = useRef<HTMLElement>(null)
  const items = itemsFor(session)
  useEffect(() => {
    if (!isOpen) return undefined
    nav.current?.querySelector<HTMLElement>('a')?.focus()
    const escape = ({ key }: KeyboardEvent): void => { if (key === 'Escape') onClose() }
    addEventListener('keydown', escape)
    return () => removeEventListener('keydown', escape)
  }, [isOpen])
  return <>
    {isOpen && <div class="side-shade" onClick={onClose}/>}
    <nav id="side" ref={nav} class={isOpen ? 'side side--open' : 'side'} aria-label="Pages">
      {groups.map(({ group, label }) => {
        const own = items.filter(item => item.group === group)
        return own.length > 0 && <NavGroup key={group} label={label} items={own}/>
      })}
    </nav>
  </>
}

function NavGroup ({ label, items }: { label: string, items: readonly Item[] }) {
  const { path } = useStore(place)
  const current = currentOf(items, path)
  const id = `side-${label.toLowerCase()}`
  return <div class="side__group">
    <p class="side__label" id={id}>{label}</p>
    <ul aria-labelledby={id}>
      {items.map(item => <li key={item.path}>
        <Link to={item.path} class="side__link" aria-current={item === current ? 'page' : undefined}>
          <Icon name={item.icon}/>
          <span>{item.label}</span>
        </Link>
      </li>)}
    </ul>
  </div>
}

/** The page itself, or the one that it is below: the longest path that fits. */
function currentOf (items: readonly Item[], path: string): Item | undefined {
  const fitting = items.filter(item => findPath([item], path) != null || path.startsWith(`${item.path}/`))
  return fitting.toSorted((a, b) => b.path.length - a.path.length)[0]
}

function GuestMenu ({ session }: { session: Session }) {
  const { path } = useStore(place)
  return <>
    <nav class="topbar__links" aria-label="Pages">
      {itemsFor(session).map(item => <Link key={item.path} to={item.path} class="topbar__link"
        aria-current={item.path === path ? 'page' : undefined}>
        {item.label}
      </Link>)}
    </nav>
    <span class="topbar__space"/>
    {site.kind === 'service' && <span class="topbar__entry">
      <Button kind="quiet" to="/login">Log in</Button>
      {site.registration !== 'closed' && <Button kind="primary" to="/register">Create account</Button>}
    </span>}
  </>
}

/** Who is logged in, and what belongs to that. */
function UserMenu ({ session }: { session: Session }) {
  const logout = async (): Promise<void> => {
    try {
      await account.logout()
      navigate(site.kind === 'cluster' ? '/login' : '/')
    } catch (err) {
      toast(errorText(err), { tone: 'bad' })
    }
  }
  if (session.kind === 'user') {
    return <Menu label={session.email} icon="user" kind="quiet" items={[
      { id: 'account', label: 'Account', icon: 'settings', run: () => navigate('/account') },
      'separator',
      { id: 'logout', label: 'Log out', icon: 'logout', run: () => { void logout() } }
    ]}/>
  }
  if (session.kind !== 'operator' || !site.credentials) return null
  return <Menu label={session.user === '' ? 'Operator' : session.user} icon="user" kind="quiet"
    items={[{ id: 'logout', label: 'Log out', icon: 'logout', run: () => { void logout() } }]}/>
}

const Footer = () => <footer class="footer"><p>Helia Cluster{site.version === '' ? '' : ` ${site.version}`}</p></footer>

/** The sun in its cell. */
const Logo = ({ size = 28 }: { size?: number }) =>
  <svg class="logo" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <path class="logo__cell" d="M16 2.5 27.7 9.25v13.5L16 29.5 4.3 22.75V9.25z"/>
    <circle class="logo__sun" cx="16" cy="16" r="4.6"/>
    <path class="logo__rays" d="M16 6.6v2.2M16 23.2v2.2M7.9 11.3l1.9 1.1M22.2 19.6l1.9 1.1M7.9 20.7l1.9-1.1M22.2 12.4l1.9-1.1"/>
  </svg>
