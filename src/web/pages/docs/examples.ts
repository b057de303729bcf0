import type { LineInit } from '../developer/lines.ts'

/** A language's programs. */
export interface Example { language: string, parts: ReadonlyArray<{ title: string, code: string }> }

/** Whole programs of a few lines, with this service's address. */
export const examples = (init: LineInit): readonly Example[] => [curl(init), javascript(init), python(init), commandLine(init)]

const curl = ({ origin, key }: LineInit): Example => ({
  language: 'curl',
  parts: [
    { title: 'Upload a file', code: `curl -H 'X-API-Key: ${key}' -F file=@report.pdf \\\n  ${origin}/api/v1/files/upload` },
    {
      title: 'Upload a folder',
      code: `curl -H 'X-API-Key: ${key}' \\\n  -F 'file=@index.html;filename=site/index.html' \\\n  -F 'file=@style.css;filename=site/style.css' \\\n  '${origin}/api/v1/files/upload?directory=true'`
    },
    { title: 'List files', code: `curl -H 'X-API-Key: ${key}' \\\n  '${origin}/api/v1/files?limit=20&sort=-size_bytes'` },
    { title: 'Download', code: `curl -H 'X-API-Key: ${key}' -OJ \\\n  ${origin}/api/v1/files/retrieve/CID` },
    {
      title: 'Pin from a CID',
      code: `curl -H 'X-API-Key: ${key}' --json '{"cid":"CID","name":"my-file"}' \\\n  ${origin}/api/v1/files/from-cid`
    }
  ]
})

const javascript = ({ origin, key }: LineInit): Example => ({
  language: 'JavaScript',
  parts: [
    { title: 'With the typed client', code: `import { ServiceClient } from 'helia-cluster/service-client'

const service = new ServiceClient({ url: '${origin}', key: '${key}' })
const file = await service.files.upload({ path: 'hello.txt', content: new Blob(['Hello']) })
console.log(file.cid)

for await (const { original_filename, cid, state } of service.files.list({ sort: '-uploaded_at' })) {
  console.log(original_filename, cid, state)
}` },
    { title: 'With fetch alone', code: `const headers = { 'X-API-Key': '${key}' }
const form = new FormData()
form.append('file', new Blob(['Hello']), 'hello.txt')

const response = await fetch('${origin}/api/v1/files/upload', { method: 'POST', headers, body: form })
const { data } = await response.json()
console.log(data.cid)` }
  ]
})

const python = ({ origin, key }: LineInit): Example => ({
  language: 'Python',
  parts: [
    { title: 'Upload and list', code: `import requests

headers = {'X-API-Key': '${key}'}
with open('report.pdf', 'rb') as file:
    answer = requests.post('${origin}/api/v1/files/upload', headers=headers, files={'file': file})
answer.raise_for_status()
print(answer.json()['data']['cid'])

for file in requests.get('${origin}/api/v1/files', headers=headers).json()['data']:
    print(file['original_filename'], file['cid'], file['state'])` }
  ]
})

const commandLine = ({ origin, key }: LineInit): Example => ({
  language: 'IPFS command line',
  parts: [
    { title: 'Set up', code: `ipfs pin remote service add pinning ${origin}/api/pinning ${key}` },
    {
      title: 'Pin, list, remove',
      code: 'ipfs pin remote add --service=pinning --name=my-file CID\nipfs pin remote ls --service=pinning --status=pinned\nipfs pin remote rm --service=pinning --name=my-file'
    }
  ]
})
