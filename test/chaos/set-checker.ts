/** `unknown`: no answer, or one that says that something failed: it may have been done. `refused`: it was not done. */
export type Outcome = 'acknowledged' | 'refused' | 'unknown'

/** What a user asked a peer. Times are places in the order of all that happened in the round. */
export interface Asked { wish: 'add' | 'remove', element: string, peer: number, began: number, ended: number, outcome: Outcome }

/** What a peer said that the set is. */
export interface Read { peer: number, began: number, ended: number, elements: ReadonlySet<string> }

/** One round, from one time of peace to the next. */
export interface RoundHistory {
  /** What every element that anybody ever asked for was after the round before. */
  before: ReadonlyMap<string, 'in' | 'out'>
  asked: readonly Asked[]
  reads: readonly Read[]
  /** One of each peer, in peace. */
  last: readonly Read[]
}

/** `faults`: broken promises, in words. `after`: what the elements are now. */
export interface Checked { faults: string[], after: Map<string, 'in' | 'out'> }

/**
 * Checks a set that each element is added to once: what was acknowledged is there, unless somebody asked to remove it; what was
 * acknowledged to be removed never comes back; nothing is there that nobody asked for; all peers say the same. And already in trouble: a
 * peer knows what it has acknowledged itself.
 */
export function checkSet (round: RoundHistory): Checked {
  const states = statesOf(round)
  const [first, ...others] = round.last
  const set = first?.elements ?? new Set()
  const faults = [
    ...others.flatMap(({ peer, elements }) => differences(set, elements).map(
      element => `the peers ${first?.peer} and ${peer} differ in ${element}`
    )),
    ...[...states].flatMap(([element, state]) => faultOf(element, { state, isThere: set.has(element) })),
    ...[...set].filter(element => !states.has(element)).map(element => `${element} is there, and nobody has asked for it`),
    ...round.reads.flatMap(read => ownFaults(read, round.asked))
  ]
  return { faults, after: new Map([...states.keys()].map(element => [element, set.has(element) ? 'in' : 'out'])) }
}

/** What an element has to be: `in`, `out`, or either. */
type State = 'in' | 'out' | 'either'

function statesOf ({ before, asked }: Pick<RoundHistory, 'before' | 'asked'>): Map<string, State> {
  const states = new Map<string, State>(before)
  for (const { wish, element, outcome } of asked) {
    const state = states.get(element)
    if (wish === 'add') {
      // a removal may have been noted first: it can only be about this one
      if (state == null) states.set(element, outcome === 'acknowledged' ? 'in' : outcome === 'refused' ? 'out' : 'either')
    } else if (outcome === 'acknowledged') states.set(element, 'out')
    else if (outcome === 'unknown' && state !== 'out') states.set(element, 'either')
  }
  return states
}

function faultOf (element: string, { state, isThere }: { state: State, isThere: boolean }): string[] {
  if (state === 'in' && !isThere) return [`${element} was acknowledged and is lost`]
  if (state === 'out' && isThere) return [`${element} was removed and has come back`]
  return []
}

function ownFaults ({ peer, began, ended, elements }: Read, asked: readonly Asked[]): string[] {
  const own = asked.filter(one => one.peer === peer && one.outcome === 'acknowledged' && one.ended < began)
  const removed = new Set(
    asked.filter(one => one.wish === 'remove' && one.outcome !== 'refused' && one.began < ended).map(one => one.element)
  )
  return own.flatMap(({ wish, element }) =>
    wish === 'add' && !elements.has(element) && !removed.has(element)
      ? [`the peer ${peer} acknowledged ${element} and doesn't know it`]
      : wish === 'remove' && elements.has(element) ? [`the peer ${peer} acknowledged that ${element} is removed and has it`] : [])
}

const differences = (one: ReadonlySet<string>, other: ReadonlySet<string>): string[] =>
  [...[...one].filter(element => !other.has(element)), ...[...other].filter(element => !one.has(element))]
