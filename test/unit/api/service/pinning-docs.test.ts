import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { ServiceRoute } from '../../../../src/api/service/service-route.ts'
import type { PinningRoutesDeps } from '../../../../src/api/service/pinning/routes.ts'
import { pinningRoutes } from '../../../../src/api/service/pinning/routes.ts'
import type { PinTransferRoutesDeps } from '../../../../src/api/service/v1/pins.ts'
import { pinTransferRoutes } from '../../../../src/api/service/v1/pins.ts'

const permissionOf = ({ access }: ServiceRoute): string => typeof access === 'object' ? access.permission : access

describe('docs/reference/service-pins.md', () => {
  it('has every route with its permission and answers', () => {
    const rows = readFileSync('docs/reference/service-pins.md', 'utf8').split('\n').filter(line => /^\| `[A-Z]+ \//.test(line)).map(
      line => line.split('|').slice(1, 5).map(cell => cell.trim())
    )
    const routes = [...pinningRoutes({} as PinningRoutesDeps), ...pinTransferRoutes({} as PinTransferRoutesDeps)]

    assert.deepEqual(
      rows,
      routes.map(
        route => [
          `\`${route.method} ${route.path}\``, route.doc.summary, `\`${permissionOf(route)}\``,
          route.doc.responses.map(({ status }) => status).join(' ')
        ]
      )
    )
  })
})
