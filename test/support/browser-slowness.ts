import type { Page } from 'playwright-core'

/** As WebPageTest's "3G": 1.6 Mbit/s down, 768 kbit/s up, 300 ms there and back. */
const networks = { '3g': { offline: false, downloadThroughput: 1_600_000 / 8, uploadThroughput: 768_000 / 8, latency: 300 } }

/** A slower machine, or a slower way to it, from now on. */
export async function slowed (
  page: Page, { cpuSlowdown = 1, network }: { cpuSlowdown?: number, network?: keyof typeof networks | undefined }
): Promise<void> {
  const session = await page.context().newCDPSession(page)
  if (cpuSlowdown !== 1) await session.send('Emulation.setCPUThrottlingRate', { rate: cpuSlowdown })
  if (network == null) return
  await session.send('Network.enable')
  await session.send('Network.emulateNetworkConditions', networks[network])
}
