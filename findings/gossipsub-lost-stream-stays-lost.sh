#!/usr/bin/env bash
# @libp2p/gossipsub 17.1.1 with libp2p 3.3.11, on Node 24.21.0: when a gossip stream is reset on a connection that lives on, no new one is opened, and messages stop
# for as long as the connection lasts.
#
# A good guess: as in Go's pubsub, the router opens another stream while the peer is connected, or at least the heartbeat finds out. It doesn't: the outbound stream is
# opened when a peer connects, and only then. Both sides stay connected, ping works, each still lists the other as a subscriber, and publish() resolves, but nothing
# arrives. A reset of one stream is an ordinary event (a peer under load that could not take a message in time).
#
# Seen (this script prints it):
#   before: 3 of 3 messages arrive
#   stream reset, 15 heartbeats later: connections 1, ping true, subscribers 1, gossip streams out 0
#   after: 0 of 3 messages arrive
#   connected anew: 3 of 3 messages arrive
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund -E node@24.21.0 libp2p@3.3.11 @libp2p/gossipsub@17.1.1 @libp2p/tcp@11.0.28 @libp2p/noise@17.0.3 @libp2p/yamux@8.0.3 \
  @libp2p/identify@4.1.14 @libp2p/ping@3.1.13 >/dev/null 2>&1
cat > lost.mjs <<'JS'
import { createLibp2p } from 'libp2p'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'

const heartbeatInterval = 200
const peer = () => createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()],
  services: { identify: identify(), ping: ping(), pubsub: gossipsub({ heartbeatInterval, allowPublishToZeroTopicPeers: true }) }
})
const wait = ms => new Promise(resolve => setTimeout(resolve, ms))
const until = async isSo => { for (let i = 0; i < 100 && !isSo(); i++) await wait(100) }
const gossipStreams = () => a.getConnections().flatMap(one => one.streams).filter(one => one.direction === 'outbound' && one.protocol.startsWith('/meshsub/'))

const [a, b] = [await peer(), await peer()]
let arrived = 0
b.services.pubsub.addEventListener('message', () => { arrived++ })
for (const one of [a, b]) one.services.pubsub.subscribe('news')
const meet = async () => {
  await a.dial(b.getMultiaddrs())
  await until(() => a.services.pubsub.getMeshPeers('news').length > 0 && gossipStreams().length > 0)
}
let next = 0
async function send () {
  arrived = 0
  for (let i = 0; i < 3; i++) await a.services.pubsub.publish('news', new TextEncoder().encode(`message ${next++}`))
  await wait(2000)
  return `${arrived} of 3 messages arrive`
}

await meet()
console.log('before:', await send())
for (const stream of gossipStreams()) stream.abort(new Error('reset'))
await wait(15 * heartbeatInterval)
const pings = await a.services.ping.ping(b.peerId).then(ms => ms >= 0, () => false)
console.log(`stream reset, 15 heartbeats later: connections ${a.getConnections().length}, ping ${pings}, subscribers ${a.services.pubsub.getSubscribers('news').length}, gossip streams out ${gossipStreams().length}`)
console.log('after:', await send())
await a.hangUp(b.peerId)
await meet()
console.log('connected anew:', await send())
await a.stop(); await b.stop()
process.exit(0)
JS
timeout 120 node_modules/.bin/node lost.mjs | tee out.txt
diff out.txt - <<'OUT'
before: 3 of 3 messages arrive
stream reset, 15 heartbeats later: connections 1, ping true, subscribers 1, gossip streams out 0
after: 0 of 3 messages arrive
connected anew: 3 of 3 messages arrive
OUT
