import { bool, duration, field, int } from '../fields.ts'
import type { ValuesOf } from '../fields.ts'
import { multiaddr, multiaddrs, strings, text } from '../kinds.ts'
import { section } from '../section.ts'

const fields = {
  listen_multiaddress: field(multiaddrs(), ['/ip4/127.0.0.1/tcp/9095'], 'Where the proxy listens.'),
  node_multiaddress: field(
    multiaddr, '/ip4/127.0.0.1/tcp/5001', 'The RPC API of the Kubo to pass requests on to. Without meaning for the embedded node.',
    { omitDefault: true }
  ),
  node_https: bool(false, 'Speak HTTPS to that Kubo.', { omitDefault: true }),
  log_file: field(text, '', 'Write the access log to this file instead of the log.'),
  read_timeout: duration('0s', 'How long reading a request may take. 0: no limit.', { atLeast: 0 }),
  read_header_timeout: duration('5s', 'How long reading the headers may take.', { atLeast: 0 }),
  write_timeout: duration('0s', 'How long writing an answer may take. 0: no limit.', { atLeast: 0 }),
  idle_timeout: duration('1m0s', 'How long an idle connection stays open.', { atLeast: 0 }),
  max_header_bytes: int(4096, 'Largest size of the headers.', { atLeast: 4096 }),
  extract_headers_extra: field(strings, [], 'More headers to take over from Kubo.', { omitDefault: true }),
  extract_headers_path: field(text, '/api/v0/version', 'Where to ask Kubo for its headers.', { omitDefault: true }),
  extract_headers_ttl: duration('5m0s', 'How long they are kept.', { atLeast: 0, omitDefault: true })
}

/** The values of `api.ipfsproxy`. */
export type IpfsProxyConfig = ValuesOf<typeof fields>

/** Port 9095, as Go's. */
export const ipfsproxySection = section({ path: 'api.ipfsproxy', doc: "Kubo's RPC API with the cluster behind its pin commands.", fields })
