#!/usr/bin/env bash
# @multiformats/dns 1.0.15 (used by Helia for DNSLink), Node 24.21.0: a DNS-over-HTTPS server that failed looks like a domain without an entry.
#
# A good guess: "this name has no TXT record" (Status 0 or 3) and "the server could not find out" (Status 2, SERVFAIL, or 5, REFUSED) can be told apart. query() never looks
# at Status: all of them reject with the same error of the same cause (an empty answer). Who remembers "no DNSLink" on it remembers a resolver's bad minute
# as a fact, and who doesn't asks again and again for names that don't exist.
#
# Seen (this script prints it):
#   Status 0: DNSQueryFailedError of EmptyDNSAnswerError
#   Status 3: DNSQueryFailedError of EmptyDNSAnswerError
#   Status 2: DNSQueryFailedError of EmptyDNSAnswerError
#   Status 5: DNSQueryFailedError of EmptyDNSAnswerError
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund -E node@24.21.0 @multiformats/dns@1.0.15 >/dev/null 2>&1
cat > status.mjs <<'JS'
import { createServer } from 'node:http'
import { dns, RecordType } from '@multiformats/dns'
import { dnsJsonOverHttps } from '@multiformats/dns/resolvers'

let status = 0
const server = createServer((request, response) => {
  const name = new URL(request.url, 'http://x').searchParams.get('name')
  response.setHeader('content-type', 'application/dns-json')
  response.end(JSON.stringify({ Status: status, TC: false, RD: true, RA: true, AD: false, CD: false, Question: [{ name, type: 16 }], Answer: [] }))
})
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
const resolver = dns({ resolvers: { '.': dnsJsonOverHttps(`http://127.0.0.1:${server.address().port}/dns-query`) } })
for (status of [0, 3, 2, 5]) {
  const outcome = await resolver.query(`_dnslink.s${status}.example`, { types: [RecordType.TXT], cached: false })
    .then(({ Answer }) => `${Answer.length} answers`, err => `${err.name} of ${err.errors.map(one => one.name)}`)
  console.log(`Status ${status}: ${outcome}`)
}
server.close()
JS
timeout 60 node_modules/.bin/node status.mjs | tee out.txt
diff out.txt - <<'OUT'
Status 0: DNSQueryFailedError of EmptyDNSAnswerError
Status 3: DNSQueryFailedError of EmptyDNSAnswerError
Status 2: DNSQueryFailedError of EmptyDNSAnswerError
Status 5: DNSQueryFailedError of EmptyDNSAnswerError
OUT
