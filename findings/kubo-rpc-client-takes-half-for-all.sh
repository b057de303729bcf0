#!/usr/bin/env bash
# kubo-rpc-client 7.1.0 on Node 24: reads that fail in the middle end like reads that are whole.
#
# A good guess: `for await (const part of client.cat(cid))` throws when the node couldn't read on. Kubo answers 200 as soon as the first bytes are there and tells a late
# error in the HTTP trailer X-Stream-Error, the only place left. The client uses fetch, which has no trailers, and compares nothing with X-Content-Length, so a file whose second half
# is missing is half a file, `get` of it an empty archive and `dag.export` a CAR that lacks blocks: no error. Measured with Kubo 0.44 (a file of 1 MiB with a leaf
# removed, daemon --offline: cat gave 524,288 bytes). Here a server of twelve lines gives the same answer, so that no Kubo has to be built.
#
# Seen (this script prints it):
#   curl: 200, X-Content-Length 20, X-Stream-Error: failed to fetch all nodes
#   client.cat: 10 bytes, error none
set -euo pipefail
command -v curl >/dev/null || { echo 'needs curl'; exit 2; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts -E kubo-rpc-client@7.1.0 >/dev/null 2>&1
cat > run.mjs <<'JS'
import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { promisify } from 'node:util'
import { create } from 'kubo-rpc-client'

// as Kubo answers `cat`: the type, the length to come, the trailer announced and then sent
const server = createServer((request, response) => {
  request.resume()
  response.writeHead(200, { 'Content-Type': 'text/plain', 'X-Content-Length': '20', 'X-Stream-Output': '1', Trailer: 'X-Stream-Error' })
  response.write('0123456789')
  response.addTrailers({ 'X-Stream-Error': 'failed to fetch all nodes' })
  response.end()
})
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
const api = `http://127.0.0.1:${server.address().port}`
const cid = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'

const { stdout } = await promisify(execFile)('curl', ['-s', '-D', '-', '-o', '/dev/null', '-X', 'POST', `${api}/api/v0/cat?arg=${cid}`])
const line = name => new RegExp(`^${name}: (.*)$`, 'im').exec(stdout)?.[1].trim()
console.log(`curl: ${/ (\d+) /.exec(stdout)[1]}, X-Content-Length ${line('X-Content-Length')}, X-Stream-Error: ${line('X-Stream-Error')}`)

let bytes = 0
let error = 'none'
try {
  for await (const part of create(api).cat(cid)) bytes += part.length
} catch (err) {
  error = err.message
}
console.log(`client.cat: ${bytes} bytes, error ${error}`)
server.close()
server.closeAllConnections()
JS
timeout 60 node run.mjs | tee seen.txt
diff seen.txt - <<'SEEN'
curl: 200, X-Content-Length 20, X-Stream-Error: failed to fetch all nodes
client.cat: 10 bytes, error none
SEEN
