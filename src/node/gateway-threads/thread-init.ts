import type { GatewayInit } from '../../api/gateway/gateway.ts'
import type { Share } from '../../base/shares.ts'
import { sharesMemory, sharesOf } from '../../base/shares.ts'

/** What all threads that serve count together, the main one included. */
export interface ServingShares { bytes: Share, waiting: Share, connections: Share, requests: Share }

const figures = 4

/** `threads`: beside the main one. */
export const servingMemory = (threads: number): SharedArrayBuffer => sharesMemory(threads + 1, figures)

/** One thread's shares in what all threads of the gateway count together. Thread 0 is the main one. */
export function servingShares (memory: SharedArrayBuffer, thread: number): ServingShares {
  const [bytes, waiting, connections, requests] = sharesOf({ memory, figures, thread }) as [Share, Share, Share, Share]
  return { bytes, waiting, connections, requests }
}

/** A thread that has ended has no part in anything. */
export function clearShares (memory: SharedArrayBuffer, thread: number): void {
  for (const share of Object.values(servingShares(memory, thread)) as Share[]) share.tell(0)
}

/** A gateway's settings without what can't be copied to another thread. */
export type CopiedGatewayInit = Omit<GatewayInit, 'logLine' | 'wrap' | 'sharing'>

/** What a thread is told at its start. All of it can be copied. */
export interface ThreadInit {
  gateway: CopiedGatewayInit
  /** From 1 on. */
  thread: number
  /** The memory of `ServingShares`. */
  shares: SharedArrayBuffer
  flow: { maxBytes: number, stalledMs: number, keepBytes: number }
  /** The block store's. */
  blocksFolder: string
  /** For walks that memory can't hold; this thread's own. */
  walkFolder: string
  /** Whether there is who looks up names, makes content, and wants lines of the access log and measures of requests. */
  has: { names: boolean, pendingImport: boolean, lines: boolean, measures: boolean }
}

/** Measures of requests, as they go to the main thread. */
export type Measure = [method: string, status: number, seconds: number]

/** A line for the log, with what stands for its errors. */
export interface LogNote { level: 'debug' | 'info' | 'warn' | 'error', component: string, message: string, facts: Record<string, unknown> }
