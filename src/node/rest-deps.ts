import type { RestApiDeps } from '../api/rest/rest-api.ts'
import type { FacesDeps } from './compose-faces.ts'

/** What the REST API has at hand, wherever it is served. */
export const restDepsOf = ({ cluster, watching, flow, clock, log }: FacesDeps): RestApiDeps => ({
  cluster, watching, turns: flow.turns, clock, log: log.child('restapi')
})
