import { duration, field, int } from '../fields.ts'
import type { ValuesOf } from '../fields.ts'
import { names, oneOf, stringMap, strings } from '../kinds.ts'
import { queueShares } from '../queue-shares.ts'
import { section } from '../section.ts'

const statelessFields = {
  max_pin_queue_size: int(1_000_000, 'Pins that may wait. When there are more, the latest of the longest queue fails at once.', { above: 0, omitDefault: true }),
  concurrent_pins: int(10, 'Pins that run at the same time.', { above: 0 }),
  priority_pin_max_age: duration('24h0m0s', 'Younger pins come before older ones…', { above: 0 }),
  priority_pin_max_retries: int(5, '…until they have failed this often.', { above: 0 }),
  queue_by: field(
    names, ['queue', 'tenant'],
    'Pins wait in queues that take turns: the first of these keys that the metadata of a pin has names its queue. Empty: one queue, as Go.',
    { reading: 'plain', omitDefault: true }
  ),
  queues: field(
    queueShares, {}, 'What a queue may have of this peer, by name: `*` for each without an entry, `default` for pins that name none.',
    { reading: 'plain', omitDefault: true }
  )
}
/** The values of `pin_tracker.stateless`. */
export type StatelessConfig = ValuesOf<typeof statelessFields>
/** Limits of pinning on this peer. */
export const statelessSection = section({ path: 'pin_tracker.stateless', doc: 'The queue of pins on this peer.', fields: statelessFields })

const pubsubmonFields = {
  check_interval: duration('15s', 'How often metrics are checked for peers that are down.', { above: 0, reading: 'literal' })
}
/** The values of `monitor.pubsubmon`. */
export type PubsubmonConfig = ValuesOf<typeof pubsubmonFields>
/** How often to look whether peers are still heard. */
export const pubsubmonSection = section({ path: 'monitor.pubsubmon', doc: 'Metrics of the other peers.', fields: pubsubmonFields })

const balancedFields = {
  allocate_by: field(
    strings, ['tag:group', 'freespace'],
    'Metrics by which peers are chosen: pins are spread over the values of the first, then of the next.'
  )
}
/** The values of `allocator.balanced`. */
export type BalancedConfig = ValuesOf<typeof balancedFields>
/** Go's allocator, and Go's default where the section isn't there. */
export const balancedSection = section({
  path: 'allocator.balanced',
  doc: 'Which peers get a pin. Without the section peers are chosen by free space only.',
  fields: balancedFields,
  whenAbsent: { allocate_by: ['freespace'] }
})

const metricTtl = duration('30s', 'How long a published value counts; it is published again in half that time.', { above: 0 })

const diskFields = {
  metric_ttl: { ...metricTtl, reading: 'literal' as const },
  metric_type: field(oneOf(['freespace', 'reposize']), 'freespace', 'Free space, or the size of what is stored.', { reading: 'literal' })
}
/** The values of `informer.disk`. */
export type DiskConfig = ValuesOf<typeof diskFields>
/** The metric is `freespace` or `reposize`. */
export const diskSection = section({ path: 'informer.disk', doc: 'Tells the other peers about free space.', fields: diskFields })

const tagsFields = {
  metric_ttl: metricTtl,
  tags: field(
    stringMap, { group: 'default' }, 'Names and values, such as a region; allocate by them as "tag:<name>".', { reading: 'literal' }
  )
}
/** The values of `informer.tags`. */
export type TagsConfig = ValuesOf<typeof tagsFields>
/** Each tag is a metric `tag:NAME`; `allocate_by` can group peers by it. */
export const tagsSection = section({ path: 'informer.tags', doc: 'Tells the other peers about tags.', fields: tagsFields })

const pinqueueFields = {
  metric_ttl: { ...metricTtl, reading: 'literal' as const },
  weight_bucket_size: int(
    100_000, 'Queue lengths count the same within a bucket of this size. 0: each length for itself.', { atLeast: 0, reading: 'literal' }
  )
}
/** The values of `informer.pinqueue`. */
export type PinqueueConfig = ValuesOf<typeof pinqueueFields>
/** The metric is `pinqueue`; the allocator can prefer the shorter queue. */
export const pinqueueSection = section({
  path: 'informer.pinqueue', doc: 'Tells the other peers how many pins wait.', fields: pinqueueFields
})
