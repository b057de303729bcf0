import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** Both halves of V8's young space together: 4 MiB each. */
const youngSpaceBytes = 8 * 2 ** 20

/**
 * Sets V8 up for a peer under load, whose garbage is nearly all buffers. By itself V8 collects everything after each 64 MB of new buffers,
 * which takes up to half of the CPU of an add (docs/design/performance-cluster.md). Now buffers count with the rest of the heap, and
 * everything is collected when three times is held of what lived the last time. `limitYoungSpace` then keeps the memory small.
 */
export function collectBuffersLate (): void {
  setFlagsFromString('--heap-growing-percent=200')
  setFlagsFromString('--external-memory-accounted-in-global-limit')
}

/**
 * Ends the growth of the young space once it has 4 MiB (V8's limit is 16), so that its collections, which are cheap, come often and take
 * the buffers along.
 * To be called now and then while the program loads and makes it grow: V8 takes the size itself at the start of a process only, and this
 * process has begun.
 */
export function limitYoungSpace (): void {
  const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')
  if (young != null && young.space_size >= youngSpaceBytes) setFlagsFromString('--semi-space-growth-factor=1')
}
