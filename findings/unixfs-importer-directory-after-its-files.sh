#!/usr/bin/env bash
# ipfs-unixfs-importer 17.1.1 (under @helia/unixfs' addAll), Node 24: an entry for a directory takes away the files of that directory that came before it.
#
# A good guess: an entry without content makes sure that the directory is there (and may give its mode), in any order: archives and `find -depth` name a directory after what
# is in it. In fact it puts a new, empty directory in the place of the one that has been filled. The entries of the lost files are still given out with their CIDs, so a
# caller that counts them sees all of them; only the root that is pinned in the end lacks them. Nothing fails.
#
# Seen (this script prints it):
#   directory first: given out a/one a/two a, under the root /a /a/one /a/two
#   directory between: given out a/one a/two a, under the root /a /a/two
#   directory last: given out a/one a/two, under the root /a
set -euo pipefail
command -v node >/dev/null || { echo 'needs node 20 or newer'; exit 2; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts -E ipfs-unixfs-importer@17.1.1 ipfs-unixfs-exporter@16.2.2 blockstore-core@7.0.1 >/dev/null 2>&1
cat > run.mjs <<'JS'
import { MemoryBlockstore } from 'blockstore-core'
import { recursive } from 'ipfs-unixfs-exporter'
import { importer } from 'ipfs-unixfs-importer'

const directory = { path: 'a' }
const file = name => ({ path: `a/${name}`, content: new TextEncoder().encode(name) })

async function show (what, entries) {
  const blocks = new MemoryBlockstore()
  const given = []
  for await (const entry of importer(entries, blocks, { wrapWithDirectory: true })) given.push(entry)
  const root = given.at(-1).cid
  const paths = []
  for await (const { path } of recursive(root, blocks)) paths.push(path.slice(root.toString().length))
  console.log(`${what}: given out ${given.map(({ path }) => path).filter(path => path !== '' && path !== root.toString()).join(" ")}, under the root ${paths.filter(path => path !== '').join(' ')}`)
}

await show('directory first', [directory, file('one'), file('two')])
await show('directory between', [file('one'), directory, file('two')])
await show('directory last', [file('one'), file('two'), directory])
JS
timeout 60 node run.mjs | tee seen.txt
diff seen.txt - <<'SEEN'
directory first: given out a/one a/two a, under the root /a /a/one /a/two
directory between: given out a/one a/two a, under the root /a /a/two
directory last: given out a/one a/two, under the root /a
SEEN
