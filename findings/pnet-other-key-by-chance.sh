#!/usr/bin/env bash
# @libp2p/pnet 3.0.27 with libp2p 3.3.11: two nodes of a private network with different keys. What the one who dials hears is a matter of chance, and never the key.
#
# A good guess: the same mistake gives the same error each time, soon, with a word about the key. In fact the listening side takes the first deciphered byte, which
# is noise, for the length of a message. In about half of all dials that length is impossible or too short, and it resets the connection at once
# (EncryptionFailedError, "read ECONNRESET"); in the other half it waits for bytes that never come, and the dial ends after its whole timeout (TimeoutError), as
# with a host that is slow. The nonce is new for each connection, so the same two nodes show both. An operator with a mistyped key looks for a firewall.
#
# Seen (this script prints it):
#   the same key: open
#   another key, 24 dials: EncryptionFailedError and TimeoutError
#   a word about the key: false
set -euo pipefail
command -v node >/dev/null || { echo 'needs node 22 or newer'; exit 2; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null; npm pkg set type=module >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts libp2p@3.3.11 @libp2p/tcp@11.0.28 @libp2p/noise@17.0.3 @libp2p/yamux@8.0.3 @libp2p/pnet@3.0.27 >/dev/null 2>&1
cat > run.mjs <<'JS'
import { generateKey, preSharedKey } from '@libp2p/pnet'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

const key = () => { const psk = new Uint8Array(95); generateKey(psk); return psk }
const node = psk => createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()],
  connectionProtector: preSharedKey({ psk }), connectionManager: { dialTimeout: 1500, inboundConnectionThreshold: 1000 }
})

const ours = key()
const [one, same, other] = await Promise.all([node(ours), node(ours), node(key())])
console.log(`the same key: ${(await one.dial(same.getMultiaddrs())).status}`)
const errors = []
for (let time = 0; time < 24; time++) await one.dial(other.getMultiaddrs()).catch(err => errors.push(err))
console.log(`another key, ${errors.length} dials: ${[...new Set(errors.map(err => err.name))].sort().join(' and ')}`)
console.log(`a word about the key: ${errors.some(err => /psk|pnet|key|secret|private network/i.test(err.message))}`)
await Promise.all([one, same, other].map(node => node.stop()))
JS
timeout 90 node run.mjs | tee seen.txt
diff seen.txt - <<'SEEN'
the same key: open
another key, 24 dials: EncryptionFailedError and TimeoutError
a word about the key: false
SEEN
