import type { RestApiDeps } from '../../api/rest/rest-api.ts'
import type { ApisDeps } from './compose-apis.ts'

/** What the REST API has at hand, wherever it is served. */
export const restDepsOf = ({ cluster, watching, flow, clock, log }: ApisDeps): RestApiDeps => ({
  cluster, watching, tickBudget: flow.tickBudget, clock, log: log.child('restapi')
})
