import type { IncomingHttpHeaders } from 'node:http'
import { HttpError } from '../../http/error-dialect.ts'
import { pageEnd, pageHeaders, pageStart } from '../../http/answer/html.ts'
import type { Reply } from '../../http/answer/reply.ts'

/** `GET /`, for browsers only: what this is, and what to try. Programs learn that there is nothing, as ever. */
export function frontPage ({ headers }: { headers: IncomingHttpHeaders }): Reply {
  if (headers.accept?.includes('text/html') !== true) throw new HttpError(404, 'not found')
  return { kind: 'text', status: 200, contentType: htmlType, headers: pageHeaders.filter(([name]) => name !== 'Content-Type'), body: page }
}

const htmlType = 'text/html; charset=utf-8'

const page = `${pageStart('IPFS Cluster')}<h1>IPFS Cluster</h1>
<p>This is the REST API of a cluster peer (Helia Cluster): programs pin content with it and see how that goes. <code>ipfs-cluster-ctl</code> speaks it.</p>
<h2>Look</h2>
<dl>
<dt>This peer</dt><dd><a href="/id">/id</a></dd>
<dt>The peers of the cluster</dt><dd><a href="/peers">/peers</a></dd>
<dt>What is pinned</dt><dd><a href="/allocations">/allocations</a></dd>
<dt>How each pin goes</dt><dd><a href="/pins">/pins</a></dd>
<dt>Whether this peer can take requests</dt><dd><a href="/health/ready">/health/ready</a></dd>
<dt>All routes, with their parameters (OpenAPI)</dt><dd><a href="/openapi.json">/openapi.json</a></dd>
</dl>
<h2>Try</h2>
<dl>
<dt>Pin</dt><dd><code>curl -X POST http://HOST:PORT/pins/CID</code></dd>
<dt>Add a file</dt><dd><code>curl -F file=@FILE http://HOST:PORT/add</code></dd>
</dl>
${pageEnd}`
