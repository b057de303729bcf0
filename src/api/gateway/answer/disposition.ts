import { percentEncode } from '../../../base/text/percent-encode.ts'
import type { Query } from '../../../http/request/query.ts'

/** `Content-Disposition` for a name that is made here, or the request's `filename`. */
export function disposition (query: Query, { name, kind }: { name: string, kind: 'inline' | 'attachment' }): string {
  const shown = query.get('filename') || name
  const plain = shown.replace(/[^\x20-\x7e]/g, '_').replace(/["\\]/g, '_')
  const encoded = percentEncode(shown).replace(/['()*!]/g, one => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
  return `${query.get('download') === 'true' ? 'attachment' : kind}; filename="${plain}"; filename*=UTF-8''${encoded}`
}
