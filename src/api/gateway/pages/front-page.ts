import { pageEnd, pageHeaders, pageStart } from '../../../http/answer/html.ts'
import type { Answer } from '../request-context.ts'

/** Its bytes are in the CID itself: every gateway has it. */
export const exampleCid = 'bafkqac3imvwgy3zao5xxe3de'

/** `GET /`: what this is, and what to try. */
export const frontPage = ({ deserialized }: { deserialized: boolean }): Answer => ({
  status: 200,
  headers: [...pageHeaders, ['Cache-Control', 'no-cache']],
  body: `${pageStart('IPFS gateway')}<h1>IPFS gateway</h1>
<p>This is the gateway of a Helia Cluster peer. It serves content by what it is (its CID) or by a name.</p>
${deserialized ? forBrowsers : forPrograms}${pageEnd}`
})

const forBrowsers = `<form action="/ipfs/" method="get">
<p><label>Open an address<br><input name="uri" value="ipfs://" spellcheck="false" autocapitalize="off"></label></p>
<p><button>Open</button></p>
</form>
<h2>Try</h2>
<dl>
<dt>A text that is in its CID</dt><dd><a href="/ipfs/${exampleCid}">/ipfs/${exampleCid}</a></dd>
<dt>Your content</dt><dd><code>/ipfs/CID</code>, <code>/ipfs/CID/folder/file</code></dd>
<dt>A name</dt><dd><code>/ipns/KEY</code>, <code>/ipns/DOMAIN</code></dd>
<dt>What programs can check</dt><dd><code>/ipfs/CID?format=raw</code>, <code>/ipfs/CID?format=car</code></dd>
<dt>A folder as an archive</dt><dd><code>/ipfs/CID?format=tar</code></dd>
</dl>
`

const forPrograms = `<p>It serves only what programs can check by themselves.</p>
<h2>Try</h2>
<dl>
<dt>A block</dt><dd><a href="/ipfs/${exampleCid}?format=raw">/ipfs/CID?format=raw</a></dd>
<dt>A DAG</dt><dd><a href="/ipfs/${exampleCid}?format=car">/ipfs/CID?format=car</a></dd>
<dt>A signed record of a name</dt><dd><code>/ipns/KEY?format=ipns-record</code></dd>
</dl>
`
