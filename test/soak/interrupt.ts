/**
 * `npm run interrupt -- [--rounds N] [--node PATH] [--seed S] [--at-once N]`: `ctl add -r` of the built bundle, against a real peer, in
 * a terminal in which somebody types Ctrl-C at any moment. All have to end within 5 s, as programs that an interrupt ended (130).
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

const values = programOptions('npm run interrupt -- [--rounds N] [--node PATH] [--seed S] [--at-once N]', {
  rounds: { type: 'string', default: '300' }, node: { type: 'string', default: process.execPath }, seed: { type: 'string', default: '1' },
  'at-once': { type: 'string', default: '2' }
})
const [rounds, seed, atOnce] = [values.rounds, values.seed, values['at-once']].map(Number) as [number, number, number]
demand([rounds, seed, atOnce].every(value => Number.isInteger(value) && value > 0), '--rounds, --seed and --at-once are whole numbers above 0')
demand(terminalMissing == null, terminalMissing ?? '')

const withinMs = 5000
const dice = new Dice(seed)
const ctl = join(fileURLToPath(new URL('../../dist/', import.meta.url)), 'helia-cluster-ctl.js')
const sum = { interrupted: 0, tooLate: 0, left: 0, slowestMs: 0, codes: new Map<number, number>() }

await promisify(execFile)(process.execPath, [fileURLToPath(new URL('../../scripts/build.ts', import.meta.url))])
const parent = await mkdtemp(join(tmpdir(), 'helia-cluster-interrupt-'))
const peer = await peerProcess(() => {}, { daemon: bundledProgram })
try {
  const folder = await folderToAdd(join(parent, 'files'), { files: 200, bytes: 300_000 })
  await peer.start()
  const host = `/ip4/127.0.0.1/tcp/${new URL(peer.url).port}`
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (sum.interrupted < rounds) {
      sum.interrupted++
      const { code, isTooLate, isLeft, tookMs, shown } = await interruptedAdd(
        { node: values.node, ctl, host, folder, afterMs: dice.between(0, 1500), withinMs }
      )
      if (isTooLate) {
        sum.interrupted--
        sum.tooLate++
        continue
      }
      sum.codes.set(code, (sum.codes.get(code) ?? 0) + 1)
      sum.slowestMs = Math.max(sum.slowestMs, tookMs)
      if (isLeft) sum.left++
      if (isLeft || code !== 130) console.log(`${isLeft ? 'left' : `ended with ${code}`}:\n${shown}`)
    }
  }))
} finally {
  await peer.remove()
  await rm(parent, { recursive: true, force: true })
}
const codes = [...sum.codes].map(([code, count]) => `${count} with ${code}`).join(', ')
console.log(`${sum.interrupted} interrupted: ${codes}; ${sum.left} left after ${withinMs / 1000} s, the slowest took ${Math.round(sum.slowestMs)} ms; ` +
  `${sum.tooLate} had ended before`)
process.exitCode = sum.left === 0 && sum.codes.size === 1 && sum.codes.has(130) ? 0 : 1
