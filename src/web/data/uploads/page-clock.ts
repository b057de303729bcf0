/** Waits in a page. */
export const pageClock = {
  now: (): number => Date.now(),
  sleep: async (ms: number, signal: AbortSignal): Promise<void> => new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }, { once: true })
  })
}

/** Also where `crypto.randomUUID` is missing: pages of a plain http address. */
export const newUploadId = (): string => [...crypto.getRandomValues(new Uint8Array(12))].map(byte => byte.toString(16).padStart(2, '0')).join('')
