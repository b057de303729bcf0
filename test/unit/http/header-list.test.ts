import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { it } from 'node:test'
import { headerList } from '../../../src/http/answer/reply.ts'

it('headers of a configuration go out in the bytes of UTF-8, each value on a line of its own', async () => {
  const headers = headerList({ 'x-place': ['Zürich →', 'b'] })
  assert.deepEqual(headers.map(([name]) => name), ['X-Place', 'X-Place'])

  const server = createServer((_, response) => { response.writeHead(200, headers.flat()).end() })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  const { port } = server.address() as { port: number }
  const socket = connect(port, '127.0.0.1')
  socket.end('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  const answer = Buffer.concat(await socket.toArray()).toString('utf8')
  server.close()

  assert.match(answer, /X-Place: Zürich →\r\nX-Place: b\r\n/)
})
