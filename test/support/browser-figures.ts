import { availableParallelism, loadavg } from 'node:os'
import type { CDPSession, Locator, Page } from 'playwright-core'

/** What a busy machine spoils is tried again: the best of these counts. */
export const tries = 4

/** Other people's work on this machine spoils figures of time; then only what the page's own thread has used is compared. */
export const isBusy = (): boolean => loadavg()[0]! > 1.5 * availableParallelism()

export interface Figures {
  longestTask: number
  slowFrames: number
  frames: number
  interaction: number
  /** Of the page's thread, for each frame. */
  cpuMs: number
}

/** Begins to note long tasks, frames and what interactions took; the answer ends it. */
export async function watch (page: Page): Promise<() => Promise<Figures>> {
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' })
  const before = await cpuSeconds(cdp)
  await page.evaluate(() => {
    const noted = { longestTask: 0, slowFrames: 0, frames: 0, interaction: 0, isOn: true }
    Object.assign(window, { noted })
    new PerformanceObserver(list => {
      for (const { duration } of list.getEntries()) noted.longestTask = Math.max(noted.longestTask, duration)
    }).observe({ type: 'longtask' })
    new PerformanceObserver(list => {
      for (const entry of list.getEntries() as Array<PerformanceEntry & { interactionId?: number }>) {
        if ((entry.interactionId ?? 0) > 0) noted.interaction = Math.max(noted.interaction, entry.duration)
      }
    }).observe({ type: 'event', durationThreshold: 16 } as PerformanceObserverInit)
    let last = performance.now()
    const frame = (now: number): void => {
      noted.frames++
      if (now - last > 25) noted.slowFrames++
      last = now
      if (noted.isOn) requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
  })
  return async () => page.evaluate(() => {
    const { noted } = window as unknown as { noted: Omit<Figures, 'cpuMs'> & { isOn: boolean } }
    noted.isOn = false
    return { ...noted }
  }).then(async found => ({ ...found, cpuMs: (await cpuSeconds(cdp) - before) * 1000 / found.frames }))
}

async function cpuSeconds (cdp: CDPSession): Promise<number> {
  const { metrics } = await cdp.send('Performance.getMetrics')
  return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? NaN
}

/** Scrolls by itself for so many frames, as fast as a finger flings. */
export async function fling (scroller: Locator, frames: number): Promise<void> {
  await scroller.evaluate(async (element, frames) => {
    for (let at = 0; at < frames; at++) {
      element.scrollTop += 90
      await new Promise(resolve => { requestAnimationFrame(resolve) })
    }
  }, frames)
}
