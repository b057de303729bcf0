import { bool, duration, field, int, size } from '../fields.ts'
import type { ValuesOf } from '../fields.ts'
import { addresses, headerMap, multiaddrs, publicHosts, strings, text } from '../kinds.ts'
import { halfTls, section } from '../section.ts'

const own = { reading: 'plain' } as const

const fields = {
  listen_multiaddress: field(
    multiaddrs(), ['/ip4/127.0.0.1/tcp/8080'], 'Where the gateway listens; `/unix/…` works. An empty list: nowhere.', own
  ),
  public_hosts: field(
    publicHosts, {},
    'Host names of this gateway. `subdomains`: each content gets a name below it (`CID.ipfs.HOST`), an origin of its own. `inline_dnslink`: DNSLink names become one label there, as they always do on HTTPS. `localhost` is known with both, unless it is listed otherwise.',
    own
  ),
  dnslink_hosts: bool(true, 'Serve any other host name that has a DNSLink as its own site.', own),
  trusted_proxies: field(
    addresses, ['127.0.0.0/8', '::1'],
    'Addresses and networks of reverse proxies whose `X-Forwarded-Host` and `X-Forwarded-Proto` count, and whose `X-Forwarded-For` is in the access log.',
    own
  ),
  deserialized: bool(
    true, 'Serve files, directories and documents. false: only raw blocks, CARs and IPNS records, which clients check by themselves.', own
  ),
  content_only: bool(
    false,
    'Nothing but content lives on this host, whatever the port: pages are not kept from its cookies and storage (no `Content-Security-Policy: sandbox`).',
    own
  ),
  no_fetch: bool(false, 'Serve only what is here; everything else is 404 at once.', own),
  first_block_timeout: duration('30s', 'How long the first block of an answer may take; then 504.', { ...own, above: 0 }),
  block_timeout: duration('30s', 'How long each later block may take; then the answer is broken off.', { ...own, above: 0 }),
  request_timeout: duration('1h0m0s', 'How long a whole answer may take.', { ...own, above: 0 }),
  max_requests: int(4096, 'Answers that are made at a time; beyond that 429.', { ...own, above: 0 }),
  max_connections: int(8192, 'Connections at a time; beyond it idle ones are closed, then new ones.', { ...own, above: 0 }),
  workers: int(
    -1,
    'Threads that serve. -1: the main thread alone until it is busy, then beside it one for each core, 8 at most (none where there is one core). 0: the main thread alone. More: so many from the start on, and the main thread has unix sockets only. With an external node, with `blockstore` level or with traces there are none.',
    { ...own, atLeast: -1, atMost: 64 }
  ),
  memory_max: size(
    '64MiB',
    'Memory for answers whose clients read slower than this peer; shared with the other APIs. Whoever stalls while others wait for it is cut off after 5 s.',
    own
  ),
  ssl_cert_file: field(text, '', 'Certificate (PEM) for HTTPS, absolute or relative to the folder.', { ...own, omitDefault: true }),
  ssl_key_file: field(text, '', 'Key (PEM) of the certificate.', { ...own, omitDefault: true }),
  read_header_timeout: duration('5s', 'How long reading the headers may take.', { ...own, atLeast: 0 }),
  idle_timeout: duration('20s', 'How long an idle connection stays open.', { ...own, above: 0 }),
  max_header_bytes: int(16_384, 'Largest size of the headers.', { ...own, atLeast: 4096 }),
  http_log_file: field(text, '', 'Write the access log to this file instead of the log.', own),
  headers: field(headerMap, {}, 'Headers to add to every answer.', own),
  cors_allowed_origins: field(strings, ['*'], 'Origins whose pages may read answers.', own),
  cors_allowed_methods: field(strings, ['GET', 'HEAD', 'OPTIONS'], 'Methods that such pages may use.', own),
  cors_allowed_headers: field(
    strings, ['Content-Type', 'Range', 'User-Agent', 'X-Requested-With'], 'Headers that such pages may send.', own
  ),
  cors_exposed_headers: field(
    strings, ['Content-Length', 'Content-Range', 'X-Chunked-Output', 'X-Ipfs-Path', 'X-Ipfs-Roots', 'X-Stream-Output'],
    'Headers that such pages may read.', own
  )
}

/** The values of `api.gateway`. */
export type GatewayConfig = ValuesOf<typeof fields>

/** Not of Go's: a Go peer ignores it. */
export const gatewaySection = section({
  path: 'api.gateway', doc: 'The IPFS HTTP gateway: content to read, below `/ipfs/` and `/ipns/` and on hosts of its own. See gateway.md.',
  fields, check: halfTls
})
