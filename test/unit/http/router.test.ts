import assert from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { parseTarget } from '../../../src/http/routing/path.ts'
import type { Target } from '../../../src/http/routing/path.ts'
import { RequestContext } from '../../../src/http/request-context.ts'
import { jsonReply } from '../../../src/http/answer/reply.ts'
import type { Route } from '../../../src/http/routing/route.ts'
import { fast, open, RouteList } from '../../../src/http/routing/route-list.ts'
import { Router } from '../../../src/http/routing/router.ts'

const doc = { summary: '', responses: [] }
const answer = () => jsonReply('1')

function contextOf (method: string, url: string): RequestContext {
  const request = Object.assign(new IncomingMessage(new Socket()), { method, url })
  return new RequestContext({ request, response: new ServerResponse(request), target: parseTarget(url) as Target })
}

/** What becomes of a request: the route's path and parameters, and the target that its handler sees. */
async function routed (routes: readonly Route[], request: string, headIsGet = false): Promise<string> {
  const [method = '', url = ''] = request.split(' ')
  return new Promise((resolve, reject) => {
    const context = contextOf(method, url)
    const router = new Router({ routes, headIsGet }, {
      matched: ({ request }, { route, params }) => resolve(`${route.path} ${JSON.stringify(params)} ${request.url}`),
      unmatched: (_, path) => resolve(`nothing at ${path}`),
      failed: (_, err) => reject(err as Error)
    })
    router.route(context)
  })
}

describe('the router', () => {
  const router = new RouteList()
  router.get('/fast', answer, fast(doc))
  router.get('/slow/{name}', answer, doc)
  router.get('/slow/{kind:a|b}/{rest:.*}', answer, doc)
  router.post('/slow.json', answer, open(doc))
  const { routes } = router

  it('keeps what was declared, in its order', () => {
    assert.deepEqual(routes.map(({ method, path, access, fast }) => [method, path, access, fast]), [
      ['GET', '/fast', 'user', true], ['GET', '/slow/{name}', 'user', undefined],
      ['GET', '/slow/{kind:a|b}/{rest:.*}', 'user', undefined], ['POST', '/slow.json', 'open', undefined]
    ])
  })

  for (const [request, found] of [
    ['GET /fast', '/fast {} /fast'],
    ['GET /slow/x?a=%20', '/slow/{name} {"name":"x"} /slow/x?a=%20'],
    ['GET /slow/a%2525%20b%3f%23', '/slow/{name} {"name":"a%25 b?#"} /slow/a%2525%20b%3f%23'],
    // a byte that is no UTF-8 is half a surrogate
    ['GET /slow/a%FFb%C3%A9', '/slow/{name} {"name":"a\\udcffbé"} /slow/a%FFb%C3%A9'],
    ['GET /slow/b/', '/slow/{kind:a|b}/{rest:.*} {"kind":"b","rest":""} /slow/b/'],
    ['GET /slow/b/c/%0Ad', '/slow/{kind:a|b}/{rest:.*} {"kind":"b","rest":"c/\\nd"} /slow/b/c/%0Ad'],
    ['GET /slow/c/d', 'nothing at /slow/c/d'],
    ['GET /slow/x/', 'nothing at /slow/x/'],
    ['GET /SLOW/x', 'nothing at /SLOW/x'],
    ['POST /slow-json', 'nothing at /slow-json'],
    ['POST /slow.json', '/slow.json {} /slow.json'],
    ['HEAD /fast', 'nothing at /fast'],
    ['HEAD /slow/x', 'nothing at /slow/x'],
    ['OPTIONS /slow/x', 'nothing at /slow/x'],
    ['OPTIONS *', 'nothing at *']
  ] as const) {
    it(`finds for ${request}: ${found}`, async () => {
      assert.equal(await routed(routes, request), found)
    })
  }

  it('takes GET for HEAD where it is told to', async () => {
    assert.equal(await routed(routes, 'HEAD /fast', true), '/fast {} /fast')
    assert.equal(await routed(routes, 'HEAD /slow/x', true), '/slow/{name} {"name":"x"} /slow/x')
  })

  it('refuses fast routes that would take requests from earlier ones', () => {
    const targets = { matched: () => {}, unmatched: () => {}, failed: () => {} }
    const pattern = (path: string, isFast: boolean) => ({ method: 'GET' as const, path, fast: isFast })

    for (const [first, second] of [['/pins/all', '/pins/{cid}'], ['/pins/{cid}', '/pins/all']] as const) {
      const routes = [pattern(first, false), pattern(second, true)]
      assert.throws(() => new Router({ routes }, targets), /would be found before|is hidden/)
    }
    assert.doesNotThrow(() => new Router({ routes: [pattern('/pins/{cid}', true), pattern('/pins/all/{x}', false)] }, targets))
  })
})
