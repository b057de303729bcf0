import { join } from 'node:path'
import type { Random } from '../../../base/clock.ts'
import { blockSet } from './block-set.ts'
import { byteStack } from './byte-stack.ts'
import type { WalkScratch } from '../repository/repository.ts'

export interface ScratchInit {
  /** For what doesn't fit into memory. Nothing in it outlives the process. */
  folder: string
  /** Memory for the blocks that one walk has seen. Default 4 MiB: 150,000 blocks. */
  memoryBytes?: number
}

const MiB = 1024 * 1024
/** Links of one walk that wait. */
const mostPendingBytes = 8 * MiB
const leastBytes = 64 * 1024
/** What the sets of all walks together should take, and as much again their waiting links. */
const sharedBytes = 64 * MiB

/**
 * Where walks go on when their memory is used up. Many at a time get less each: what is there already stays, so that n walks whose shares
 * shrink one by one take 1 + ln(n / 8) times the shared bytes and not n times their own.
 */
export function walkScratch (
  { folder, memoryBytes = 4 * MiB }: ScratchInit, deps: { random: Random }
): WalkScratch {
  let numbers = 0
  const open = { sets: 0, stacks: 0 }
  const shareOf = (count: number, most: number): number => Math.min(most, Math.max(leastBytes, sharedBytes / Math.max(1, count)))
  return {
    blocks: () => {
      open.sets++
      return counted(
        blockSet({ folder: join(folder, `seen-${numbers++}`), memoryBytes: shareOf(open.sets, memoryBytes) }, deps), () => { open.sets-- }
      )
    },
    stack: () => {
      open.stacks++
      return counted(byteStack({ path: join(folder, `stack-${numbers++}`) }), () => { open.stacks-- })
    },
    pendingBytes: () => shareOf(open.stacks, mostPendingBytes)
  }
}

/** The same object; the first `close` is told. */
function counted<T extends { close (): Promise<void> }> (inner: T, closed: () => void): T {
  const close = inner.close.bind(inner)
  let isOpen = true
  inner.close = async () => {
    if (isOpen) closed()
    isOpen = false
    await close()
  }
  return inner
}

/** For walks that are known to be small: a stack in memory alone. */
export function plainStack (): ReturnType<WalkScratch['stack']> { return byteStack({ path: '', memoryBytes: Infinity }) }
