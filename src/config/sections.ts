import type { Section } from './section.ts'
import { clusterSection } from './sections/cluster.ts'
import { crdtSection, raftSection } from './sections/consensus.ts'
import { levelSection } from './sections/datastore.ts'
import { gatewaySection } from './sections/gateway.ts'
import { pinsvcapiSection, restapiSection } from './sections/http-api.ts'
import { heliaSection, ipfshttpSection } from './sections/ipfs-connector.ts'
import { ipfsproxySection } from './sections/ipfsproxy.ts'
import { metricsSection, tracingSection } from './sections/observations.ts'
import { serviceSection } from './sections/service.ts'
import { webuiSection } from './sections/webui.ts'
import { webhooksSection } from './sections/webhooks.ts'
import { balancedSection, diskSection, pinqueueSection, pubsubmonSection, statelessSection, tagsSection } from './sections/pinning.ts'

/** Every section that is read, in the order in which service.json has them. */
export const sections: readonly Section[] = [
  clusterSection,
  crdtSection,
  ipfsproxySection, pinsvcapiSection, restapiSection, gatewaySection, serviceSection, webuiSection, webhooksSection,
  heliaSection, ipfshttpSection,
  statelessSection, pubsubmonSection, balancedSection,
  diskSection, pinqueueSection, tagsSection,
  metricsSection, tracingSection,
  levelSection
] as readonly Section<any>[] // any: each has a table of its own

// any: as above
const notByInit: readonly Section[] = [ipfshttpSection, serviceSection, webuiSection, webhooksSection] as readonly Section<any>[]

/** What `init` writes: all of them but the external Kubo, the service and the web pages, which somebody has to want. */
export const initSections = sections.filter(one => !notByInit.includes(one))

/** Known names without effect here: variables are checked, sections in a file load without a warning. */
export const inertSections: readonly Section[] = [raftSection as Section<any>] // any: as above

/** The top level of service.json: sections of their own, and folders of components. */
export const topLevel = [
  'source', 'cluster', 'consensus', 'api', 'ipfs_connector', 'state', 'pin_tracker', 'monitor', 'allocator', 'informer', 'observations',
  'datastore'
]
