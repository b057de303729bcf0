import type { HeaderList } from '../../http/answer/reply.ts'

/**
 * What the pages may do: run their own files, and nothing that is written into a document; show content from here and from the gateway; ask
 * nobody else. `gateway`: its origin, '' for none but this one.
 */
export function pagePolicy (gateway: string): string {
  const content = gateway === '' ? '' : ` ${gateway}`
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self' data: blob:${content}`,
    `media-src 'self' blob:${content}`,
    `frame-src 'self' blob:${content}`,
    `connect-src 'self'${content}`,
    "font-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'"
  ].join('; ')
}

/** Headers of all that the pages consist of. `gateway`: the origin that content is shown from; '': only their own. */
export const pageHeaders = (gateway: string): HeaderList => [
  ['Content-Security-Policy', pagePolicy(gateway)],
  ['Cross-Origin-Opener-Policy', 'same-origin'],
  ['Permissions-Policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()'],
  ['Referrer-Policy', 'no-referrer'],
  ['X-Content-Type-Options', 'nosniff'],
  ['X-Frame-Options', 'DENY']
]
