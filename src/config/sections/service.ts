import { bool, duration, field, group, int } from '../fields.ts'
import type { ValuesOf } from '../fields.ts'
import { addresses, bytes, multiaddrs, oneOf, publicUrl, rate, secretText, strings, text } from '../kinds.ts'
import { halfTls, section } from '../section.ts'
import type { Finding } from '../section.ts'

const own = { reading: 'plain' } as const

const fields = {
  http_listen_multiaddress: field(
    multiaddrs({ notEmpty: true }), ['/ip4/127.0.0.1/tcp/9099'], 'Where the service listens; `/unix/…` works.', own
  ),
  ssl_cert_file: field(text, '', 'Certificate (PEM) for HTTPS, absolute or relative to the folder.', { ...own, omitDefault: true }),
  ssl_key_file: field(text, '', 'Key (PEM) of the certificate.', { ...own, omitDefault: true }),
  public_url: field(publicUrl, '', 'What links of the service begin with. Empty: what the client, or a trusted proxy, says.', own),
  trusted_proxies: field(
    addresses, [], 'Addresses and networks of reverse proxies whose `X-Forwarded-For`, `X-Forwarded-Host` and `X-Forwarded-Proto` count.',
    own
  ),
  gateway_url: field(publicUrl, '', "Where `/api/gateway` sends readers. Empty: this peer's own gateway.", own),
  gateway: group({
    open: bool(false, 'Serve content at `/api/gateway`, too, that nobody of the service has. It is not pinned.', own)
  }, ''),
  quota_bytes: field(bytes, 2 ** 30, 'What a new account may store; earlier ones keep theirs.', own),
  registration: field(
    oneOf(['', 'open', 'verified', 'invite', 'closed']), '',
    'Who can sign up: everybody, whoever has a code that was mailed to the address, whoever has an invitation, nobody. Empty: `open` when the service listens on this machine only and has neither `public_url` nor `trusted_proxies`, else `verified` with mail and `closed` without.',
    own
  ),
  admins: field(
    strings, [],
    'E-mail addresses whose accounts are admins, once a mailed code has proven the address (or `helia-cluster-service user add` made them).',
    own
  ),
  database: group({
    url: field(
      secretText, '',
      'PostgreSQL, `postgres://user:password@host/name`, for one service on several peers. Empty: SQLite in the folder of the peer.',
      { ...own, hidden: true }
    )
  }, ''),
  staging: group({
    folder: field(text, 'staging', 'Where uploads wait until they are pinned, absolute or relative to the folder.', own),
    s3: group({
      endpoint: field(publicUrl, '', 'An S3 server instead of the folder.', { ...own, omitDefault: true }),
      bucket: field(text, '', 'Its bucket, which has to be there.', { ...own, omitDefault: true }),
      region: field(text, 'us-east-1', 'Its region.', { ...own, omitDefault: true }),
      access_key: field(text, '', 'The name of the access key.', { ...own, omitDefault: true }),
      secret_key: field(secretText, '', 'The secret of the access key.', { ...own, omitDefault: true, hidden: true }),
      force_path_style: bool(true, 'Whether the bucket is in the path, as most servers but Amazon want it.', { ...own, omitDefault: true })
    }, '')
  }, ''),
  mail: group({
    log: bool(false, 'Write mail, and with it codes, into the log: for trying out, and where nobody else reads the log.', own),
    smtp_url: field(secretText, '', 'The mail server: `smtp://user:password@host:587` or `smtps://…`.', { ...own, hidden: true }),
    from: field(text, '', 'The sender. Empty: `noreply@` and the host of `public_url`.', own)
  }, ''),
  rate_limits: group({
    per_key: field(rate, '6000/1m', 'Requests with one key or session.', own),
    per_address: field(rate, '1200/1m', 'Requests of one address without a valid key or session.', own),
    sign_up: field(rate, '200/10m', 'Accounts made from one address.', own),
    login: field(rate, '30/1m', 'Log-ins tried from one address.', own),
    per_account: field(rate, '60/1h', 'Log-ins and codes tried, and codes asked for, of one account.', own),
    code: field(rate, '30/10m', 'Codes asked for or tried from one address.', own)
  }, ''),
  pinning: group({
    strict: bool(
      false,
      'Answer `/api/pinning` exactly as the Pinning Service API and its public test suite want it: 202 for a new pin, another CID in the place of a pin, all statuses in a list by name.',
      { ...own, omitDefault: true }
    )
  }, ''),
  webhooks_private: bool(
    false, 'Whether addresses that users give (of webhooks, of other pinning services) may be in private networks.',
    { ...own, omitDefault: true }
  ),
  session_lifetime: duration('336h0m0s', 'How long a log-in lasts.', { ...own, above: 0 }),
  read_header_timeout: duration('5s', 'How long reading the headers may take.', { ...own, atLeast: 0 }),
  idle_timeout: duration('1m0s', 'How long an idle connection, or a stalled upload, stays open.', { ...own, above: 0 }),
  max_header_bytes: int(16_384, 'Largest size of the headers.', { ...own, atLeast: 4096 }),
  max_connections: int(8192, 'Connections at a time; more are closed at once.', { ...own, above: 0 }),
  http_log_file: field(text, '', 'Write the access log to this file instead of the log.', own)
}

/** The values of `api.service` and of the groups in it, durations in milliseconds. */
export type ServiceApiConfig = ValuesOf<typeof fields>

function check (values: ServiceApiConfig): Finding[] {
  const { s3 } = values.staging
  const wrong = values.admins.filter(address => !/^[^\s@]+@[^\s@]+$/.test(address))
  return [
    ...(wrong.length > 0 ? [{ key: 'admins', value: wrong, allowed: 'e-mail addresses' }] : []),
    ...halfTls(values),
    ...(
      (s3.endpoint === '') === (s3.bucket === '')
        ? []
        : [{ key: 'staging.s3.bucket', value: s3.bucket, allowed: 'set together with staging.s3.endpoint' }]
    )
  ]
}

/** Not written by `init`: a peer has no service unless somebody asks for it. */
export const serviceSection = section({
  path: 'api.service',
  doc: 'The pinning service for many people: accounts, keys, uploads, pins. Absent: none of it is loaded. See service.md.', fields, check
})
