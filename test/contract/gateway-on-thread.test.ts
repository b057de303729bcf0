/** The gateway's tests once more, on one that serves as a thread does: by calls to who has the blocks. */
import { gatewayTests } from '../support/gateway-peer.ts'

gatewayTests.onThread = true
for (const name of ['answers', 'denied', 'elsewhere', 'gateway', 'hosts', 'local-names', 'pages', 'redirects', 'trustless']) {
  await import(`../unit/api/gateway/${name}.test.ts`)
}
