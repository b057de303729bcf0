import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { it } from 'node:test'
import { fetchText } from '../../../cmd/helia-cluster-service/fetch-text.ts'
import { quietMs } from '../../support/poll.ts'

it('a remote configuration may have a megabyte, and no more', { timeout: quietMs(10_000) }, async () => {
  const server = createServer((request, response) => { response.end('a'.repeat(Number(request.url?.slice(1)))) })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = (size: number): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${size}`
  try {
    assert.equal((await fetchText(url(1024 * 1024))).text.length, 1024 * 1024)
    await assert.rejects(fetchText(url(1024 * 1024 + 1)), { message: 'the answer has more than 1048576 bytes' })
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
