import type { PageEntry } from '../../app/page-entry.ts'

/** Pages about getting in, and about the account itself. */
export const accountPages: readonly PageEntry[] = [
  { path: '/login', title: 'Log in', audience: 'guest', sites: ['service', 'cluster'], load: () => import('./login-page.tsx') },
  { path: '/register', title: 'Create an account', audience: 'everyone', load: () => import('./register-page.tsx') },
  { path: '/verify', title: 'Confirm your address', audience: 'everyone', load: () => import('./verify-page.tsx') },
  { path: '/reset', title: 'Reset your password', audience: 'everyone', load: () => import('./reset-page.tsx') },
  { path: '/renew', title: 'Renew your API key', audience: 'everyone', load: () => import('./renew-page.tsx') },
  { path: '/account', title: 'Account', audience: 'user', load: () => import('./account-page.tsx') }
]
