import assert from 'node:assert/strict'
import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Page } from 'playwright-core'

let axe: Promise<string> | undefined

interface Finding { id: string, impact: string | null, help: string, nodes: Array<{ target: string[], failureSummary?: string }> }

/** What axe finds on the page in light and in dark; fails with what is serious or critical. */
export async function checkAccessible (page: Page, { exclude = [] }: { exclude?: string[] } = {}): Promise<void> {
  axe ??= readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  const source = await axe
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    const findings = await askAxe(page, source, exclude)
    const told = findings.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(
      one => `${one.id} (${one.help}) in ${colorScheme}: ${one.nodes.slice(0, 5).map(node => `${node.target.join(' ')} ${node.failureSummary ?? ''}`).join('; ')}`
    )
    assert.deepEqual(told, [], page.url())
  }
  await page.emulateMedia({ colorScheme: 'light' })
}

/** By the debugger's own way in: the page's policy lets no script of ours in, and that is as it should be. */
async function askAxe (page: Page, source: string, exclude: readonly string[]): Promise<Finding[]> {
  await page.evaluate(`if (window.axe == null) { ${source} }`)
  return page.evaluate(async excluded => {
    const { axe } = window as unknown as { axe: { run: (context: unknown, options: unknown) => Promise<{ violations: Finding[] }> } }
    const { violations } = await axe.run({ include: [['html']], exclude: excluded.map(one => [one]) }, { resultTypes: ['violations'] })
    return violations
  }, [...exclude])
}

const looks = [
  { name: 'light', width: 1280, colorScheme: 'light' },
  { name: 'dark', width: 1280, colorScheme: 'dark' },
  { name: 'phone', width: 390, colorScheme: 'light' },
  { name: 'narrow', width: 320, colorScheme: 'dark' }
] as const

/** Pictures of the page, when `$SHOTS` names a folder. In any case: nothing goes sideways at 320 px. */
export async function shots (page: Page, name: string): Promise<void> {
  const before = page.viewportSize() ?? { width: 1280, height: 800 }
  const folder = process.env.SHOTS
  for (const look of folder == null ? looks.slice(3) : looks) {
    await page.setViewportSize({ width: look.width, height: look.width < 700 ? 780 : 800 })
    await page.emulateMedia({ colorScheme: look.colorScheme })
    if (folder != null) {
      await page.evaluate(() => scrollTo({ top: 0, behavior: 'instant' }))
      await mkdir(folder, { recursive: true })
      await page.screenshot({ path: join(folder, `${name}-${look.name}.png`), fullPage: true, animations: 'disabled' })
    }
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  await page.setViewportSize(before)
  await page.emulateMedia({ colorScheme: 'light' })
  assert.ok(wide <= 0, `${name} is ${wide} px too wide at 320 px`)
}
