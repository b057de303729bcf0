/** Lines to copy that work as they are, with this service's own address and a key. */
export interface LineInit {
  /** "https://pins.example.com" */
  origin: string
  key: string
}

/** Something to copy, and what it is good for. */
export interface Lines { name: string, about: string, text: string }

/** Stands where a key has to be; the real one is known only when it is made. */
export const keyPlace = 'YOUR_API_KEY'

/** Commands with the user's own address and key in them. */
export function readyLines (init: LineInit): Lines[] {
  const { add, pin, list } = pinRemoteLines
  return [
    {
      name: 'IPFS command line', about: 'For Kubo 0.8 or newer. Content that your own node has is fetched from it.',
      text: [add(init), pin, list].join('\n')
    },
    { name: 'curl', about: 'Uploads a file, then lists what you have.', text: curl(init) },
    { name: 'JavaScript', about: 'For Node 20 or newer and for pages of your own. No library is needed.', text: javaScript(init) }
  ]
}

/** The commands of Kubo, for other pages, too. */
export const pinRemoteLines = {
  add: ({ origin, key }: LineInit): string => `ipfs pin remote service add pinning \\\n  ${origin}/api/pinning \\\n  ${key}`,
  pin: 'ipfs pin remote add --service=pinning --name=my-file CID',
  list: 'ipfs pin remote ls --service=pinning --status=queued,pinning,pinned,failed'
}

const curl = ({ origin, key }: LineInit): string => `curl -H 'X-API-Key: ${key}' -F file=@FILE \\
  ${origin}/api/v1/files/upload
curl -H 'X-API-Key: ${key}' ${origin}/api/v1/files`

const javaScript = ({ origin, key }: LineInit): string => `const form = new FormData()
form.append('file', new Blob(['Hello']), 'hello.txt')

const response = await fetch('${origin}/api/v1/files/upload', {
  method: 'POST',
  headers: { 'X-API-Key': '${key}' },
  body: form
})
const { data } = await response.json()
console.log(data.cid, '${origin}/api/gateway/' + data.cid)`
