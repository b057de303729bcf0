import { bool, duration, field, int } from '../fields.ts'
import type { ValuesOf } from '../fields.ts'
import { addresses, multiaddrs, publicUrl, text } from '../kinds.ts'
import { halfTls, section } from '../section.ts'

const own = { reading: 'plain' } as const

const fields = {
  http_listen_multiaddress: field(
    multiaddrs({ notEmpty: true }), ['/ip4/127.0.0.1/tcp/9098'], 'Where the pages are; `/unix/…` works.', own
  ),
  ssl_cert_file: field(text, '', 'Certificate (PEM) for HTTPS, absolute or relative to the folder.', { ...own, omitDefault: true }),
  ssl_key_file: field(text, '', 'Key (PEM) of the certificate.', { ...own, omitDefault: true }),
  public_url: field(
    publicUrl, '',
    'What the pages are reached by, behind a reverse proxy. Without credentials in `api.restapi` no other name than this, `localhost` and addresses is answered.',
    own
  ),
  gateway_url: field(publicUrl, '', "What links to content begin with. Empty: this peer's own gateway, when it has one.", own),
  trusted_proxies: field(
    addresses, [], 'Addresses and networks of reverse proxies whose `X-Forwarded-For`, `X-Forwarded-Host` and `X-Forwarded-Proto` count.',
    own
  ),
  disabled: bool(false, 'As if the section were not there.', { ...own, omitDefault: true }),
  read_header_timeout: duration('5s', 'How long reading the headers may take.', { ...own, atLeast: 0 }),
  idle_timeout: duration('1m0s', 'How long an idle connection stays open.', { ...own, above: 0 }),
  max_header_bytes: int(16_384, 'Largest size of the headers.', { ...own, atLeast: 4096 }),
  max_connections: int(8192, 'Connections at a time; more are closed at once.', { ...own, above: 0 }),
  http_log_file: field(text, '', 'Write the access log to this file instead of the log.', own)
}

/** The values of `api.webui`. */
export type WebuiConfig = ValuesOf<typeof fields>

/** Not written by `init`: a peer has no pages unless somebody asks for them. */
export const webuiSection = section({
  path: 'api.webui',
  doc: 'Web pages for who runs the cluster, with the credentials of `api.restapi`. Absent: nothing of it is loaded. (`api.service` has pages of its own, and these for its admins.)',
  fields,
  check: halfTls
})
