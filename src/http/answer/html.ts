import { createHash } from 'node:crypto'
import { codePointText, unseenCharacters } from '../../base/text/unseen-characters.ts'
import type { HeaderList } from './reply.ts'

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' }

/** A text as it may stand in HTML, in attributes too. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, found => entities[found] ?? found)

/** Names are at most as long in file systems. Characters. */
const longestShown = 255

/** A name of somebody else's, escaped, with what can't be seen spelled out, and cut where it is longer than any file name. */
export const shownHtml = (text: string): string => visibleHtml(shortened(text))

/** The same without a limit to its length. */
export const visibleHtml = (text: string): string =>
  escapeHtml(text).replace(unseenCharacters, found => `<span class="unseen">${spelled(found.codePointAt(0) ?? 0)}</span>`)

/** Half a surrogate pair may be a byte of a name that isn't UTF-8. */
const spelled = (code: number): string =>
  code >= 0xdc80 && code <= 0xdcff ? `\\x${(code & 0xff).toString(16).toUpperCase()}` : codePointText(code)

/** The same for places where only text may stand: attributes, titles. */
export const shownText = (text: string): string => escapeHtml(shortened(text).replace(unseenCharacters, '\ufffd'))

/** Never cuts a character in two. */
const shortened = (text: string): string =>
  text.length <= longestShown ? text : `${text.slice(0, longestShown).replace(/[\ud800-\udbff]$/, '')}…`

const style = `
:root{color-scheme:light dark;--ink:#1f2328;--soft:#59636e;--line:#d9dee4;--link:#0a58b5;--paper:#fff;--tint:#f3f5f8}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ed;--soft:#9aa5b1;--line:#333a44;--link:#79b8ff;--paper:#14171b;--tint:#1e2329}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:70rem;padding:1rem;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.2rem;line-height:1.4;margin:.5rem 0}
h2{font-size:1.05rem;margin:1.5rem 0 .25rem}
a{color:var(--link);text-decoration-thickness:1px;text-underline-offset:.15em}
code{font:.9em/1.5 ui-monospace,monospace;background:var(--tint);padding:.1em .3em;border-radius:.25em}
button,input{font:inherit;color:inherit;background:var(--tint);border:1px solid var(--line);border-radius:.3em;padding:.1em .6em}
input{width:100%;max-width:40rem;padding:.4em .6em}
button{cursor:pointer;font-size:.85em}
[data-copy]{display:none}
.js [data-copy]{display:inline-block}
.soft,.unseen,footer{color:var(--soft)}
.unseen{font-size:.75em;border:1px solid var(--line);border-radius:.25em;padding:0 .2em}
.ways{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;padding:0;margin:.5rem 0 1rem;list-style:none}
table{width:100%;border-collapse:collapse;table-layout:fixed}
th,td{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem 0;border-top:1px solid var(--line)}
th{color:var(--soft);font-weight:normal;font-size:.85rem;border:0}
td:first-child a{white-space:pre-wrap;unicode-bidi:isolate}
.folder td:first-child a{font-weight:600}
.k{width:5rem}.c{width:14rem}.s{width:7rem}
td:nth-child(2),td:nth-child(4){color:var(--soft)}
th:last-child,td:last-child{text-align:right;padding-right:0;white-space:nowrap}
dl dl{margin:.25rem 0 .25rem .5rem;padding-left:.75rem;border-left:2px solid var(--line)}
dt{color:var(--soft)}
dd{margin:0 0 .4rem}
@media (max-width:45rem){thead{display:none}table,tbody{display:block}tr{display:flex;flex-wrap:wrap;column-gap:.6rem;padding:.4rem 0;border-top:1px solid var(--line)}td,td:last-child{border:0;padding:0}td:first-child{flex:1 0 100%}td:empty{display:none}td:last-child{margin-left:auto}}
`

/** Only makes copying easier: nothing on a page needs it. Without HTTPS the clipboard is reached by the old way. */
const script = `
document.documentElement.className='js'
addEventListener('click',event=>{
  const button=event.target.closest&&event.target.closest('[data-copy]')
  if(!button)return
  const source=button.previousElementSibling
  const link=/(?:\\/ipfs\\/|#)(\\w+)/.exec(source.href||'')
  const text=link?link[1]:source.textContent
  const tell=done=>{button.textContent=done?'Copied':'Failed';setTimeout(()=>{button.textContent='Copy'},1500)}
  const byHand=()=>{
    const field=document.createElement('textarea')
    field.value=text
    document.body.append(field)
    field.select()
    const done=document.execCommand('copy')
    field.remove()
    button.focus()
    tell(done)
  }
  if(navigator.clipboard)navigator.clipboard.writeText(text).then(()=>tell(true),byHand)
  else byHand()
})
`

const sourceOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** What the pages made here may do: show themselves, and run the one script above. Whatever a name holds, nothing else runs. */
export const pagePolicy = `default-src 'none'; style-src ${sourceOf(style)}; script-src ${sourceOf(script)}; base-uri 'none'`

/** The headers of such a page. */
export const pageHeaders: HeaderList = [
  ['Content-Type', 'text/html; charset=utf-8'], ['Content-Security-Policy', pagePolicy], ['X-Content-Type-Options', 'nosniff']
]

/** `title`: HTML text. What comes between start and end is the page. */
export const pageStart = (title: string): string =>
  `<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>${title}</title>\n` +
  `<style>${style}</style>\n<script>${script}</script>\n</head>\n<body>\n`

/** What closes what `pageStart` opened. */
export const pageEnd = '</body>\n</html>\n'

/** Copies what stands right before it. Shows only where there is script. */
export const copyButton = '<button data-copy>Copy</button>'
