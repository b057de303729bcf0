import type { Dice } from '../sim/dice.ts'

export const faultKinds = ['kill', 'stop', 'cut', 'fill', 'shift', 'flip'] as const
export type FaultKind = typeof faultKinds[number]

/**
 * Something that goes wrong. `kill`: SIGKILL, and a new start later. `stop`: SIGSTOP, and SIGCONT later. `cut`: this peer and the others
 * don't hear each other. `fill`: its disk has not one byte left. `shift`: its clock is wrong by `shiftMs`. `flip`: it is killed, and one
 * place of a file of its state is damaged before it starts again.
 */
export interface Fault {
  kind: FaultKind
  peer: number
  /** From the beginning of the round, milliseconds. */
  atMs: number
  forMs: number
  /** For `shift`. */
  shiftMs: number
  /** For `flip`: which place of which file follows from it. */
  seed: number
}

export interface ScheduleInit { peers: number, kinds: readonly FaultKind[], lengthMs: number }

const hourMs = 3_600_000

/** What goes wrong in a round: the same for the same dice. At most one file is damaged, first: the others have what it loses. */
export function scheduleOf (dice: Dice, { peers, kinds, lengthMs }: ScheduleInit): Fault[] {
  const others = kinds.filter(kind => kind !== 'flip')
  const count = others.length === 0 ? 0 : dice.whole(1, 4)
  const faults = Array.from({ length: count }, () => fault(dice, { kind: dice.pick(others), peers, lengthMs }))
  const isDamaged = kinds.includes('flip') && dice.chance(0.2)
  const flips = isDamaged || count === 0 ? [{ ...fault(dice, { kind: 'flip', peers, lengthMs }), atMs: 0, forMs: 0 }] : []
  return [...flips, ...faults.toSorted((a, b) => a.atMs - b.atMs)]
}

const fault = (dice: Dice, { kind, peers, lengthMs }: { kind: FaultKind, peers: number, lengthMs: number }): Fault => ({
  kind,
  peer: dice.whole(0, peers - 1),
  atMs: Math.round(dice.between(0, lengthMs * 0.7)),
  forMs: Math.round(dice.between(lengthMs * 0.05, lengthMs)),
  shiftMs: Math.round(dice.pick([-1, 1]) * dice.between(1000, dice.pick([60_000, hourMs, 48 * hourMs]))),
  seed: dice.whole(0, 2 ** 31)
})

export const faultText = ({ kind, peer, atMs, forMs, shiftMs }: Fault): string =>
  `${kind} ${peer} at ${atMs} ms${kind === 'flip' ? '' : kind === 'shift' ? ` by ${shiftMs} ms` : ` for ${forMs} ms`}`
