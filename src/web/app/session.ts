import { ClusterClient } from '../../client/client.ts'
import { fetchTransport } from '../../client/fetch-transport.ts'
import { cluster, clusterToken, onSessionEnd, service, webFetch } from '../data/clients.ts'
import { onReturn } from '../data/connection.ts'
import { isAway, isSessionEnd, statusOf } from '../data/errors.ts'
import { readStored, writeStored } from '../data/hooks.ts'
import { forgetAll, retryFailed } from '../data/query.ts'
import { createStore, useStore } from '../data/store.ts'
import { site } from './site.ts'

/** Who is looking. `user`: of the service; `operator`: with the REST API's own credentials. */
export type Session =
  /** `expected`: who was logged in here last, and most likely is; their pages need not wait for the answer. */
  | { kind: 'loading', expected?: string | undefined }
  | { kind: 'guest' }
  | { kind: 'user', email: string, role: 'user' | 'admin' }
  | { kind: 'operator', user: string }

/**
 * Who was logged in here last: spares guests a request that would fail, and tells other tabs. The session itself is a cookie that scripts
 * can't see.
 */
const hintKey = 'helia-cluster-user'

interface State { session: Session, /** The session ended under a page that is open: who has to log in again. */ ended: { email: string } | null }

/** The session, and why the last one ended. */
export const sessionState = createStore<State>({
  session: { kind: 'loading', expected: site.kind === 'service' ? readStored<string>(hintKey) : undefined }, ended: null
})

/** The session; draws the component anew when it changes. */
export const useSession = (): Session => useStore(sessionState, ({ session }) => session)

/** Whether this person may see everybody's things; an operator may. */
export const isAdmin = (session: Session): boolean => session.kind === 'operator' || (session.kind === 'user' && session.role === 'admin')

/** Logging in and out. Everything that was loaded for one user goes with that user. */
export const session = {
  login: async (credentials: { email: string, password: string }): Promise<void> => {
    const { email, role } = await service.account.login(credentials)
    writeStored(hintKey, email)
    become({ kind: 'user', email, role })
  },

  loginCluster: async ({ username, password }: { username: string, password: string }): Promise<void> => {
    const asked = new ClusterClient({ transport: fetchTransport({ url: '/api/cluster', fetch: webFetch }), auth: { username, password } })
    clusterToken.set(await asked.token())
    become({ kind: 'operator', user: username })
  },

  logout: async (): Promise<void> => {
    if (site.kind === 'service') await service.account.logout().catch(err => { if (!isSessionEnd(err)) throw err })
    session.forget()
  },

  /** The session is at its end already. */
  forget: (): void => {
    writeStored(hintKey, undefined)
    clusterToken.set(null)
    become({ kind: 'guest' })
  },

  /** Asks the peer who is logged in. */
  refresh: async (): Promise<void> => {
    become(site.kind === 'service' ? await askService() : await askCluster())
  }
}

/** The same user again: what was shown stays. Another: nothing of the old does. */
function become (next: Session): void {
  const { session: old, ended } = sessionState.get()
  const before = ended?.email ?? nameOf(old)
  sessionState.set({ session: next, ended: null })
  if (before !== nameOf(next)) forgetAll({ isLoadedAgain: next.kind !== 'guest' })
  else if (old.kind !== 'loading') retryFailed()
}

const nameOf = (one: Session): string | undefined =>
  one.kind === 'user' ? one.email : one.kind === 'operator' ? one.user : one.kind === 'loading' ? one.expected : undefined

async function askService (): Promise<Session> {
  if (readStored<string>(hintKey) == null) return { kind: 'guest' }
  try {
    const { email, role } = await service.account.status()
    return { kind: 'user', email, role }
  } catch (err) {
    if (isAway(err)) return whenBack()
    if (isPassing(err)) return later(askService)
    if (isSessionEnd(err)) writeStored(hintKey, undefined)
    return { kind: 'guest' }
  }
}

async function askCluster (): Promise<Session> {
  if (site.credentials && clusterToken.get() == null) return { kind: 'guest' }
  try {
    await cluster.version()
    return { kind: 'operator', user: '' }
  } catch (err) {
    if (isAway(err)) return whenBack()
    if (isPassing(err)) return later(askCluster)
    clusterToken.set(null)
    return isSessionEnd(err) ? { kind: 'guest' } : { kind: 'operator', user: '' }
  }
}

/** It says nothing of the session: the peer has just begun, or is asked too much. */
const isPassing = (err: unknown): boolean => statusOf(err) === 429 || (statusOf(err) ?? 0) >= 500

const againMs = 2000

async function later (ask: () => Promise<Session>): Promise<Session> {
  await new Promise(resolve => setTimeout(resolve, againMs))
  return ask()
}

async function whenBack (): Promise<Session> {
  await new Promise<void>(resolve => {
    const stop = onReturn(() => {
      stop()
      resolve()
    })
  })
  return site.kind === 'service' ? askService() : askCluster()
}

/** A page that is open keeps what was typed: the log-in comes over it. */
function end (): void {
  const { session: old, ended } = sessionState.get()
  if (ended != null || (old.kind !== 'user' && old.kind !== 'operator')) return
  sessionState.set({ session: old, ended: { email: nameOf(old) ?? '' } })
}

/** Starts to watch: once, when the pages start. */
export function startSession (): void {
  onSessionEnd(end)
  if (site.kind === 'service') {
    addEventListener('storage', ({ key, newValue }) => {
      if (key !== hintKey && key !== null) return
      const email = parsed(newValue)
      if (email == null) become({ kind: 'guest' })
      else if (email !== nameOf(sessionState.get().session) || sessionState.get().ended != null) void session.refresh()
    })
  }
  void session.refresh()
}

function parsed (text: string | null): string | undefined {
  try {
    return text == null ? undefined : JSON.parse(text) as string
  } catch {
    return undefined
  }
}
