#!/usr/bin/env bash
# helia 7.1.15 with @helia/unixfs 8.0.5, on Node 24.21.0: unpinning one file lets the next gc() delete blocks of another file that is still pinned.
#
# A good guess: a block stays as long as one pin covers it. Each block has a record with a count and the list of the roots that cover it, and both can go wrong:
# 1. `pins.add` counts a block once for a pin, however often it occurs in the DAG; `pins.rm` takes one off for each occurrence. A file that has the same chunk twice
#    (runs of zeros: disk images, tar files) takes the count of another file's pin away.
# 2. `pins.rm` keeps the root that it should drop from the list, and drops the others. Pinning the same root again is then taken for something already counted.
# Nothing is reported: `pins.ls` goes on listing the pin whose leaf is gone.
#
# Seen (this script prints it):
#   same chunk twice: both pinned: leaf covered true, here true
#   same chunk twice: first unpinned, collected: second listed true, leaf covered false, here false
#   pinned again: A and B pinned: leaf covered true, here true
#   pinned again: A unpinned, A pinned, B unpinned, collected: A listed true, leaf covered false, here false
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund -E node@24.21.0 helia@7.1.15 @helia/unixfs@8.0.5 >/dev/null 2>&1
cat > shared.mjs <<'JS'
import { createHeliaLight } from 'helia'
import { unixfs } from '@helia/unixfs'

const all = async source => { const list = []; for await (const one of source) list.push(one); return list }
const chunk = new Uint8Array(1 << 20)
async function * chunks (count) { for (let i = 0; i < count; i++) yield chunk }

async function run (title, scene) {
  const helia = createHeliaLight()
  await helia.start()
  const fs = unixfs(helia)
  const leaf = await fs.addBytes(chunk)
  const covered = async () => `leaf covered ${await helia.pins.isPinned(leaf)}, here ${await helia.blockstore.has(leaf)}`
  const listed = async root => (await all(helia.pins.ls())).some(pin => pin.cid.equals(root))
  await scene({
    fs, leaf, listed,
    pin: root => all(helia.pins.add(root)),
    unpin: root => all(helia.pins.rm(root)),
    collect: () => helia.gc(),
    say: async text => console.log(`${title}: ${text}${await covered()}`)
  })
  await helia.stop()
}

await run('same chunk twice', async ({ fs, pin, unpin, collect, listed, say }) => {
  const first = await fs.addByteStream(chunks(2)), second = await fs.addByteStream(chunks(3))
  await pin(first); await pin(second)
  await say('both pinned: ')
  await unpin(first); await collect()
  await say(`first unpinned, collected: second listed ${await listed(second)}, `)
})
await run('pinned again', async ({ fs, leaf, pin, unpin, collect, listed, say }) => {
  const empty = await fs.addDirectory()
  const A = await fs.cp(leaf, empty, 'a'), B = await fs.cp(leaf, empty, 'b')
  await pin(A); await pin(B)
  await say('A and B pinned: ')
  await unpin(A); await pin(A); await unpin(B); await collect()
  await say(`A unpinned, A pinned, B unpinned, collected: A listed ${await listed(A)}, `)
})
process.exit(0)
JS
timeout 120 node_modules/.bin/node shared.mjs | tee out.txt
diff out.txt - <<'OUT'
same chunk twice: both pinned: leaf covered true, here true
same chunk twice: first unpinned, collected: second listed true, leaf covered false, here false
pinned again: A and B pinned: leaf covered true, here true
pinned again: A unpinned, A pinned, B unpinned, collected: A listed true, leaf covered false, here false
OUT
