import { errorText } from '../data/errors.ts'
import { Menu } from '../ui/controls/menu.tsx'
import { toast } from '../ui/feedback/toast-store.ts'
import { site } from './site.ts'
import { navigate } from './router.tsx'
import { session as account } from './session.ts'
import type { Session } from './session.ts'

/** Who is logged in, and what belongs to that. */
export function UserMenu ({ session }: { session: Session }) {
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
