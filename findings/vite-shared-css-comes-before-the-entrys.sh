#!/usr/bin/env bash
# vite 8.3.8: the order of style sheets in the built page is not the order of imports, so the statement that orders cascade layers loses.
#
# A good guess: an entry that first imports a style sheet with "@layer base, page" (which says that page wins) and then its components has these layers in this order, as in the
# development server and in one bundle. In fact, as soon as a component is shared with a second page, its styles go into a chunk of their own, and the page links that
# chunk's sheet before the entry's. The first "@layer page" that a browser meets then comes before the statement, base is the later layer, and base wins. Nothing warns;
# it begins on the day on which a second page imports the component, and ends when the statement stands in the HTML or in the shared chunk itself.
#
# Seen (this script prints it; a browser gives the last layer's colour):
#   one page:  layers in the order base, page
#   two pages: layers in the order page, base
set -euo pipefail
command -v node >/dev/null || { echo 'needs node 20.19 or newer'; exit 2; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund vite@8.3.8 >/dev/null 2>&1
for page in one two; do echo "<!doctype html><title>$page</title><script type=\"module\" src=\"/$page.js\"></script>" > $page.html; done
echo '@layer base, page; @layer base { p { color: red } }' > layers.css
echo '@layer page { p { color: green } }' > card.css
printf "import './card.css'\nexport const card = () => document.createElement('p')\n" > card.js
printf "import './layers.css'\nimport { card } from './card.js'\ndocument.body.append(card())\n" > one.js
printf "import { card } from './card.js'\ndocument.body.prepend(card(), card())\n" > two.js
cat > order.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { build } from 'vite'

async function layersOfOne (...input) {
  await build({ logLevel: 'silent', build: { rollupOptions: { input } } })
  const sheets = [...readFileSync('dist/one.html', 'utf8').matchAll(/rel="stylesheet"[^>]* href="([^"]+)"/g)].map(([, href]) => readFileSync(`dist${href}`, 'utf8'))
  const named = [...sheets.join('').matchAll(/@layer ([\w, ]+)/g)].flatMap(([, names]) => names.split(',').map(name => name.trim()))
  return [...new Set(named)].join(', ')
}

console.log(`one page:  layers in the order ${await layersOfOne('one.html')}`)
console.log(`two pages: layers in the order ${await layersOfOne('one.html', 'two.html')}`)
JS
seen=$(node order.mjs)
echo "$seen"
[ "$seen" = $'one page:  layers in the order base, page\ntwo pages: layers in the order page, base' ]
