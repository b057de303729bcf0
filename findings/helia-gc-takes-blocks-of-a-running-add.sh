#!/usr/bin/env bash
# helia 7.1.15 with @helia/unixfs 8.0.5, on Node 24.21.0: a gc() while a file is being added deletes what the add has stored so far, and the add succeeds.
#
# A good guess: as in Kubo, where `add` holds a lock that a collection waits for, the blocks of an add that is under way are safe until the caller has had a chance to pin
# the root. gc() waits for single puts only. Blocks have no pin before there is a root, so all of those that were stored before it are garbage. addByteStream() resolves with
# the right CID, whose first leaves are gone, and doesn't look; it is the pin that fails later, or a reader. There is no way to hold a block: pins are for roots. A program that
# adds and collects must keep the two apart itself.
#
# Seen (this script prints it):
#   no gc: 40 leaves linked, 40 stored
#   gc after 30 of 40 MiB: add resolved with the same CID: true, 40 leaves linked, 10 stored
set -euo pipefail
command -v node >/dev/null || { echo 'needs node 20 or newer'; exit 2; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund -E node@24.21.0 helia@7.1.15 @helia/unixfs@8.0.5 blockstore-core@7.0.1 @ipld/dag-pb@4.2.0 >/dev/null 2>&1
cat > run.mjs <<'JS'
import { setTimeout as sleep } from 'node:timers/promises'
import { decode } from '@ipld/dag-pb'
import { unixfs } from '@helia/unixfs'
import { MemoryBlockstore } from 'blockstore-core'
import { createHelia } from 'helia'

const mebibyte = 1024 * 1024

async function add ({ collectAfter }) {
  const blocks = new MemoryBlockstore()
  const helia = await createHelia({ start: false, blockstore: blocks })
  const cid = await unixfs(helia).addByteStream((async function * () {
    for (let at = 0; at < 40; at++) {
      if (at === collectAfter) {
        // what was given before is stored
        await sleep(1000)
        await helia.gc()
      }
      yield new Uint8Array(mebibyte).fill(at + 1)
    }
  })())
  let root
  for await (const part of blocks.get(cid)) root = part
  const leaves = decode(root).Links.map(({ Hash }) => Hash)
  return { cid: cid.toString(), linked: leaves.length, stored: leaves.filter(leaf => blocks.has(leaf)).length }
}

const whole = await add({})
console.log(`no gc: ${whole.linked} leaves linked, ${whole.stored} stored`)
const cut = await add({ collectAfter: 30 })
console.log(`gc after 30 of 40 MiB: add resolved with the same CID: ${cut.cid === whole.cid}, ${cut.linked} leaves linked, ${cut.stored} stored`)
process.exit()
JS
timeout 120 node_modules/.bin/node run.mjs | tee seen.txt
diff seen.txt - <<'SEEN'
no gc: 40 leaves linked, 40 stored
gc after 30 of 40 MiB: add resolved with the same CID: true, 40 leaves linked, 10 stored
SEEN
