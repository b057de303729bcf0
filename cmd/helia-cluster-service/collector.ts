import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8'
import { PerformanceObserver } from 'node:perf_hooks'
import { runInNewContext } from 'node:vm'

/** Both halves of V8's young space together: 4 MiB each. */
const youngSpaceBytes = 8 * 2 ** 20
/** Garbage that may always wait, and as a share of what lives. */
const leastGarbageBytes = 96 * 2 ** 20
const [leastPercent, usualPercent] = [60, 200]
/** V8 has missed its limit when this much more is held. */
const missedBy = 1.25
/** Collections of the young space alone bring less. */
const collectedShare = 0.2
const usualEveryMs = 2000

/**
 * Sets V8 up for a peer under load, whose garbage is nearly all buffers. By itself V8 collects everything after each 64 MB of new buffers,
 * which takes up to half of the CPU of an add (docs/design/performance-cluster.md). Now buffers count with the rest of the heap, and
 * everything is collected when three times is held of what lived the last time. `youngSpaceLimit` then keeps the memory small.
 */
export function collectBuffersLate (): void {
  setFlagsFromString(`--heap-growing-percent=${usualPercent}`)
  setFlagsFromString('--external-memory-accounted-in-global-limit')
}

/**
 * Keeps the young space at 4 MiB (V8's limit is 16), so that its collections, which are cheap, come often and take the buffers along. V8
 * takes it back from a process that is idle, down to half a MiB, with which lists and pins are a tenth slower: then it may grow again, and
 * is watched. Gives what is to be called now and then. V8 takes the size itself at the start of a process only, and this process has begun.
 */
export function youngSpaceLimit (): () => void {
  let mayGrow: boolean | undefined
  const look = (): void => {
    const isSmall = youngBytes() < youngSpaceBytes
    if (isSmall === mayGrow) return
    mayGrow = isSmall
    setFlagsFromString(`--semi-space-growth-factor=${isSmall ? 2 : 1}`)
    if (isSmall) collections.observe({ entryTypes: ['gc'] })
    else collections.disconnect()
  }
  const collections = new PerformanceObserver(look)
  return look
}

const youngBytes = (): number => getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0

/**
 * How much more than what lives V8 may hold before it collects everything, in percent of it: three times is fine while little lives, and
 * much too much of a peer with hundreds of users.
 */
export function garbagePercent (liveBytes: number): number {
  const percent = Math.round(100 * leastGarbageBytes / liveBytes)
  return Math.min(usualPercent, Math.max(leastPercent, percent))
}

/** What the process holds, and how it is made to hold less. */
export interface GarbageDeps {
  /** Heap and buffers. */
  heldBytes (): number
  /** From V8's next collection on. */
  setPercent (percent: number): void
  /** Collects everything, soon. */
  collect (): void
}

/**
 * Limits the garbage beside what lives: V8's own limit follows what lives. V8 looks whether that is reached only when it needs room for
 * objects, so a program that makes buffers and hardly any objects can hold gigabytes of them: then everything is collected from here.
 * Gives what is to be called every few seconds.
 */
export function garbageLimit ({ heldBytes, setPercent, collect }: GarbageDeps): () => void {
  let [live, last, percent, isCollected] = [Infinity, Infinity, usualPercent, false]
  return () => {
    const held = heldBytes()
    // much less than a moment ago: V8 has collected everything
    if (isCollected || held < last * (1 - collectedShare)) live = held
    live = Math.min(live, held)
    last = held
    const wanted = garbagePercent(live)
    if (wanted !== percent) setPercent(wanted)
    percent = wanted
    isCollected = held > live * (1 + percent / 100) * missedBy
    if (isCollected) collect()
  }
}

/** `last-resort`: V8 takes back the young space, too, down to a MiB. */
type Collect = (options: { type: 'major', execution: 'async', flavor?: 'last-resort' }) => void

/**
 * Sets this process up for load, and looks every two seconds. Keeps no process alive. A start makes much that lives, and with it the young
 * space as large as V8 lets it: that is shrunk first (some 15 ms, soon).
 */
export function limitGarbage (everyMs = usualEveryMs): void {
  collectBuffersLate()
  let gc: Collect | undefined
  if (youngBytes() > youngSpaceBytes) {
    gc = collector()
    gc({ type: 'major', execution: 'async', flavor: 'last-resort' })
  }
  const lookAtYoung = youngSpaceLimit()
  const lookAtAll = garbageLimit({
    heldBytes: () => {
      const { used_heap_size: heapBytes, external_memory: externalBytes } = getHeapStatistics()
      return heapBytes + externalBytes
    },
    setPercent: percent => setFlagsFromString(`--heap-growing-percent=${percent}`),
    collect: () => {
      gc ??= collector()
      gc({ type: 'major', execution: 'async' })
    }
  })
  lookAtYoung()
  setInterval(() => {
    lookAtYoung()
    lookAtAll()
  }, everyMs).unref()
}

/** V8 gives it to contexts that are made while this flag is set. */
function collector (): Collect {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as Collect
  setFlagsFromString('--no-expose-gc')
  return gc
}
