import type { ServiceRoute } from './service-route.ts'
import { documentRoute } from './openapi.ts'

const isPinning = ({ path }: ServiceRoute): boolean => path.startsWith('/api/pinning')

/** The OpenAPI documents of the service: one for each of its APIs. `routes`: the whole table, asked for when a document is. */
export function documentRoutes ({ version }: { version: string }, routes: () => readonly ServiceRoute[]): ServiceRoute[] {
  return [
    documentRoute('/api/v1/openapi.json', {
      title: 'Helia Cluster service',
      version,
      about: 'Accounts, API keys, files and tasks of a pinning service. Errors are `{"status":404,"error":"Not Found","message":"…"}`.',
      isPinning: false
    }, () => routes().filter(route => !isPinning(route))),
    documentRoute('/api/pinning/openapi.json', {
      title: 'Helia Cluster service: IPFS Pinning Service API',
      version,
      about: 'The IPFS Pinning Service API 1.0.0, for `ipfs pin remote` and other clients. Each key sees the pins of its own account.',
      isPinning: true
    }, () => routes().filter(isPinning))
  ]
}
