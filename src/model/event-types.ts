/** What `/events` and the webhooks of the configuration tell of: the thing and what became of it. docs/reference/rest-api.md says when. */
export const clusterEventTypes = [
  'pin.put', 'pin.removed', 'pin.status', 'pin.status.missed', 'peer.up', 'peer.down', 'peer.sync', 'peer.drain', 'alert', 'warning',
  'task.status'
] as const
/** One of them. */
export type ClusterEventType = typeof clusterEventTypes[number]

/** All words that choose among types: what they are about (`pin` stands for all that begin with it and a dot), then they themselves. */
export const choicesOf = (types: readonly string[]): string[] =>
  [...new Set([...types.map(type => type.split('.', 1)[0] ?? ''), ...types])]

/** The words of a comma list; empty ones are left out. */
export const typeList = (given: string): string[] => given.split(',').map(one => one.trim()).filter(one => one !== '')

/** Why a choice is refused; undefined when each of its words chooses something. */
export function wrongChoice (chosen: readonly string[], types: readonly string[]): string | undefined {
  const wrong = chosen.find(one => !types.some(type => type === one || type.startsWith(`${one}.`)))
  return wrong == null ? undefined : `no event is of type ${JSON.stringify(wrong)}: types are ${choicesOf(types).join(', ')}`
}
