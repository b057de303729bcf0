/**
 * Words and bounds of the Pinning Service API 1.0.0 (https://ipfs.github.io/pinning-services-api-spec/), wherever it is spoken here: in
 * front of the whole cluster (`api/pinning`), of the service's users (`api/service/pinning`), and to services elsewhere.
 */
export const pinningStatuses = ['queued', 'pinning', 'pinned', 'failed'] as const
/** How a pin stands. `pinned`: on all replicas that the replication factors ask for. */
export type PinningStatus = typeof pinningStatuses[number]

/** How `name` is compared: the whole or a part, `i` without regard to case. */
export const nameMatches = ['exact', 'iexact', 'partial', 'ipartial'] as const
/** How a name is compared: the whole name or a part of it, `i…` without regard to upper and lower case. */
export type NameMatch = typeof nameMatches[number]

/** Characters of a pin's name. */
export const longestName = 255
/** Multiaddresses that come with a pin. */
export const mostOrigins = 20
/** Pairs that a client keeps with a pin. */
export const mostMetadata = 1000
/** CIDs that a list is asked for. */
export const mostCids = 10
/** Pins of a page. */
export const largestLimit = 1000
/** Pins of a page when the client doesn't say. */
const usualLimit = 10

/** Characters count, neither bytes nor halves of them. */
export const isTooLong = (name: string): boolean => name.length > longestName && [...name].length > longestName

/** The texts of a list that comes with commas or with its name repeated; empty ones don't count. */
export const textsOfList = (values: readonly string[]): string[] => values.flatMap(text => text.split(',')).filter(text => text !== '')

/** Those words, when all of them are known; undefined when one isn't. */
export function knownWords<Word extends string> (known: readonly Word[], given: readonly string[]): Word[] | undefined {
  const words = given.map(text => known.find(word => word === text)).filter(word => word != null)
  return words.length < given.length ? undefined : words
}

/** The length of a page that a query asks for; undefined for what is none. '' and absent: the usual. */
export function pageLength (text = ''): number | undefined {
  if (text === '') return usualLimit
  const limit = Number(text)
  return /^\d{1,4}$/.test(text) && limit >= 1 && limit <= largestLimit ? limit : undefined
}
