/**
 * `npm run interrupt -- [--rounds N] [--node PATH]… [--seed S] [--at-once N]`: `ctl add -r` of the built bundle, against a real peer, in a
 * terminal in which somebody types Ctrl-C at any moment; so many rounds for each Node. All have to end within 5 s, as programs that an
 * interrupt ended (130).
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Dice } from '../sim/dice.ts'
import { folderToAdd, interruptedAdd, terminalMissing } from '../support/interrupted-add.ts'
import { bundledProgram, peerProcess } from '../support/peer-process.ts'
import { demand, programOptions } from '../support/program-options.ts'

const values = programOptions('npm run interrupt -- [--rounds N] [--node PATH]… [--seed S] [--at-once N]', {
  rounds: { type: 'string', default: '300' }, node: { type: 'string', multiple: true, default: [process.execPath] },
  seed: { type: 'string', default: '1' }, 'at-once': { type: 'string', default: '4' }
})
const [rounds, seed, atOnce] = [values.rounds, values.seed, values['at-once']].map(Number) as [number, number, number]
demand(
  [rounds, seed, atOnce].every(value => Number.isInteger(value) && value > 0), '--rounds, --seed and --at-once are whole numbers above 0'
)
demand(terminalMissing == null, terminalMissing ?? '')

const withinMs = 5000
const dice = new Dice(seed)
const run = promisify(execFile)
const ctl = fileURLToPath(new URL('../../dist/helia-cluster-ctl.js', import.meta.url))

/** Interrupts until so many adds were interrupted; whether all ended as they should. */
async function interrupt (node: string, target: { host: string, folder: string }): Promise<boolean> {
  const sum = { begun: 0, uploading: 0, tooLate: 0, left: 0, slowestMs: 0 }
  const codes = new Map<number, number>()
  const one = async (): Promise<void> => {
    sum.begun++
    const { code, isTooLate, isLeft, tookMs, shown } = await interruptedAdd(
      { node, ctl, ...target, afterMs: dice.between(0, 1200), withinMs }
    )
    // what was done when the interrupt came has ended by itself
    if (isTooLate || (code === 0 && !isLeft)) {
      sum.begun--
      sum.tooLate++
      return
    }
    codes.set(code, (codes.get(code) ?? 0) + 1)
    sum.slowestMs = Math.max(sum.slowestMs, tookMs)
    if (shown.includes('%')) sum.uploading++
    if (isLeft) sum.left++
    if (isLeft || code !== 130) console.log(`${isLeft ? 'left' : `ended with ${code}`}:\n${shown}`)
  }
  await Promise.all(Array.from({ length: atOnce }, async () => { while (sum.begun < rounds) await one() }))
  console.log(
    `${(await run(node, ['--version'])).stdout.trim()}: ${sum.begun} interrupted, ${sum.uploading} of them while they sent; exit codes ` +
    `${[...codes].map(([code, count]) => `${code} (${count})`).join(', ')}; ${sum.left} left after ${withinMs / 1000} s, the slowest took ` +
    `${Math.round(sum.slowestMs)} ms; ${sum.tooLate} more had ended before`
  )
  return sum.left === 0 && codes.size === 1 && codes.has(130)
}

await run(process.execPath, [fileURLToPath(new URL('../../scripts/build.ts', import.meta.url))])
const parent = await mkdtemp(join(tmpdir(), 'helia-cluster-interrupt-'))
const peer = await peerProcess(() => {}, { daemon: bundledProgram })
try {
  const folder = await folderToAdd(join(parent, 'files'), { files: 100, bytes: 300_000 })
  await peer.start()
  const host = `/ip4/127.0.0.1/tcp/${new URL(peer.url).port}`
  for (const node of values.node) if (!await interrupt(node, { host, folder })) process.exitCode = 1
} finally {
  await peer.remove()
  await rm(parent, { recursive: true, force: true })
}
