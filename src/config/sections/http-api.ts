import { bool, duration, field, int } from '../fields.ts'
import type { ValuesOf } from '../fields.ts'
import { credentials, headerMap, multiaddrs, optionalPeerId, privateKey, strings, text } from '../kinds.ts'
import { halfTls, section } from '../section.ts'
import type { Finding } from '../section.ts'

/** The REST API and the pinning service API have the same keys. */
const fieldsAt = (port: number) => ({
  http_listen_multiaddress: field(
    multiaddrs(), [`/ip4/127.0.0.1/tcp/${port}`],
    'Where the API listens; `/unix/…` works. Empty keeps the default: leave the section out to have no API.'
  ),
  ssl_cert_file: field(text, '', 'Certificate (PEM) for HTTPS, absolute or relative to the folder.', { omitDefault: true }),
  ssl_key_file: field(text, '', 'Key (PEM) of the certificate.', { omitDefault: true }),
  read_timeout: duration('0s', 'How long reading a request may take. 0: no limit.', { atLeast: 0 }),
  read_header_timeout: duration('5s', 'How long reading the headers may take.', { atLeast: 0 }),
  write_timeout: duration('0s', 'How long writing an answer may take. 0: no limit.', { atLeast: 0 }),
  idle_timeout: duration('2m0s', 'How long an idle connection stays open.', { atLeast: 0 }),
  max_header_bytes: int(4096, 'Largest size of the headers.', { atLeast: 4096 }),
  libp2p_listen_multiaddress: field(
    multiaddrs(), [], 'Offer the API over libp2p too, on a host of its own; needs `id` and `private_key`.', { omitDefault: true }
  ),
  id: field(optionalPeerId, '', 'Peer ID of that host.', { omitDefault: true }),
  private_key: field(privateKey, '', 'Private key of that host.', { omitDefault: true, hidden: true }),
  basic_auth_credentials: field(credentials, null, 'User and password pairs. null: everybody may use the API.', { hidden: true }),
  http_log_file: field(text, '', 'Write the access log to this file instead of the log.'),
  headers: field(headerMap, {}, 'Headers to add to every answer.', { reading: 'literal' }),
  cors_allowed_origins: field(
    strings, ['*'], 'Origins whose pages may use the API. Absent means none, in all CORS lists.', { reading: 'literal' }
  ),
  cors_allowed_methods: field(strings, ['GET'], 'Methods that such pages may use.', { reading: 'literal' }),
  cors_allowed_headers: field(strings, [], 'Headers that such pages may send.', { reading: 'literal' }),
  cors_exposed_headers: field(
    strings, ['Content-Type', 'X-Stream-Output', 'X-Chunked-Output', 'X-Content-Length'], 'Headers that such pages may read.',
    { reading: 'literal' }
  ),
  cors_allow_credentials: bool(true, 'Whether such pages may send credentials. Absent means false.'),
  cors_max_age: duration('0s', 'How long a browser may keep the answer to a preflight.', { atLeast: 0 })
})

/** The values of an API with Go's common keys: addresses, TLS, users, CORS. */
export type HttpApiConfig = ValuesOf<ReturnType<typeof fieldsAt>>

function check (values: HttpApiConfig): Finding[] {
  const libp2p = [values.libp2pListenMultiaddress.length > 0, values.id !== '', values.privateKey != null].filter(Boolean).length
  return [
    ...halfTls(values),
    ...(
      libp2p === 1 || libp2p === 2
        ? [{ key: 'libp2p_listen_multiaddress', value: values.libp2pListenMultiaddress, allowed: 'set together with id and private_key' }]
        : []
    )
  ]
}

/** Port 9094, as Go's. */
export const restapiSection = section({ path: 'api.restapi', doc: 'The REST API, for ctl and scripts.', fields: fieldsAt(9094), check })

/** Port 9097, as Go's. */
export const pinsvcapiSection = section({
  path: 'api.pinsvcapi', doc: 'The pinning service API, for `ipfs pin remote`.', fields: fieldsAt(9097), check
})
