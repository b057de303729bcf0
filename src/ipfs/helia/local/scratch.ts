import { join } from 'node:path'
import type { Random } from '../../../base/clock.ts'
import { blockSet } from './block-set.ts'
import { byteStack } from './byte-stack.ts'
import type { WalkScratch } from './local.ts'

export interface ScratchInit {
  /** For what doesn't fit into memory. Nothing in it outlives the process. */
  folder: string
  /** Memory for the blocks that one walk has seen. Default 4 MiB: 150,000 blocks. */
  memoryBytes?: number
}

/** Where walks go on when their memory is used up. */
export function walkScratch ({ folder, memoryBytes = 4 * 1024 * 1024 }: ScratchInit, deps: { random: Random }): WalkScratch {
  let numbers = 0
  return {
    blocks: () => blockSet({ folder: join(folder, `seen-${numbers++}`), memoryBytes }, deps),
    stack: () => byteStack({ path: join(folder, `stack-${numbers++}`) })
  }
}

/** For walks that are known to be small: a stack in memory alone. */
export function plainStack (): ReturnType<WalkScratch['stack']> { return byteStack({ path: '', memoryBytes: Infinity }) }
