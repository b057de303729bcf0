import { choicesOf, clusterEventTypes } from '../../model/event-types.ts'
import { bool, field } from '../fields.ts'
import type { ValuesOf } from '../fields.ts'
import { secretText, strings, words } from '../kinds.ts'
import { section } from '../section.ts'
import type { Finding } from '../section.ts'

const own = { reading: 'plain' } as const

const fields = {
  urls: field(strings, [], 'Where the events of the cluster are sent by POST, http:// or https://.', own),
  secret: field(
    secretText, '', 'Signs what is sent, as the Standard Webhooks specification has it; `whsec_` and base64, or any text.',
    { ...own, hidden: true }
  ),
  events: field(
    words(choicesOf(clusterEventTypes)), [], 'Types of events, such as `pin.status`, or what they are about (`pin`, `peer`, `alert`, `warning`, `task`). Empty: all.',
    own
  ),
  allow_private: bool(false, 'Whether the addresses may be in private networks, this machine included.', own)
}

/** Where events go that this peer tells the operator of. */
export type WebhooksConfig = ValuesOf<typeof fields>

function check ({ urls, secret }: WebhooksConfig): Finding[] {
  const wrong = urls.filter(url => !isAddress(url))
  return [
    ...(wrong.length > 0 ? [{ key: 'urls', value: wrong, allowed: 'http:// or https:// addresses without credentials' }] : []),
    ...(urls.length > 0 && secret == null ? [{ key: 'secret', value: '', allowed: 'set together with urls' }] : [])
  ]
}

function isAddress (text: string): boolean {
  const url = URL.parse(text)
  return url != null && (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '' && url.password === ''
}

/** Not written by `init`. */
export const webhooksSection = section({
  path: 'api.webhooks', doc: 'The events of the cluster, sent to programs elsewhere. Absent: none of it is loaded. See rest-api.md.',
  fields, check
})
