import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { promisify } from 'node:util'

interface CodeCacheClass { new (folder?: string): { require (path: string): unknown, keep (how: { isWhole: boolean }): void } }

const module = new URL('../../../cmd/code-cache.js', import.meta.url)
/** Plain JavaScript. */
const { CodeCache } = await import(String(module)) as { CodeCache: CodeCacheClass }

/** Where the state of a start stands in a file of code. */
const stateAt = 4

describe('compiled code of a build', () => {
  let root: string
  let program: string
  let kept: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'helia-cluster-code-'))
    program = join(root, 'program-main.cjs')
    kept = join(root, 'cache/helia-cluster')
    await mkdir(join(root, 'chunks'))
    await writeFile(program, "const { twice } = require('./chunks/part.cjs'); exports.result = () => twice(require('node:path').sep.length)")
    await writeFile(join(root, 'chunks/part.cjs'), 'exports.twice = number => 2 * number; exports.here = __filename')
  })
  afterEach(async () => { await rm(root, { recursive: true, force: true }) })

  const start = (folder: string | undefined = join(root, 'cache')): { code: InstanceType<CodeCacheClass>, result: number } => {
    const code = new CodeCache(folder)
    return { code, result: (code.require(program) as { result: () => number }).result() }
  }
  const files = async (): Promise<string[]> => (await readdir(kept)).map(name => name.replace(/^[0-9a-f]+-/, '')).toSorted()
  const contents = async (): Promise<Buffer[]> =>
    Promise.all((await readdir(kept)).toSorted().map(async name => readFile(join(kept, name))))

  it('is kept once, and the next start runs the same', async () => {
    const first = start()
    first.code.keep({ isWhole: true })
    const before = await contents()
    const second = start()
    second.code.keep({ isWhole: true })

    assert.deepEqual([first.result, second.result], [2, 2])
    assert.deepEqual(await files(), ['part.cjs', 'program-main.cjs'])
    assert.deepEqual(await contents(), before)
  })

  it('of half a start is replaced by that of a whole one', async () => {
    start().code.keep({ isWhole: false })
    const halves = (await contents()).map(bytes => bytes.readUInt32LE(stateAt))
    start().code.keep({ isWhole: false })
    start().code.keep({ isWhole: true })

    assert.deepEqual(halves, [1, 1])
    assert.deepEqual((await contents()).map(bytes => bytes.readUInt32LE(stateAt)), [2, 2])
  })

  it('is not taken for a file that has changed', async () => {
    start().code.keep({ isWhole: true })
    await writeFile(join(root, 'chunks/part.cjs'), 'exports.twice = number => 3 * number; exports.here = __filename')

    assert.equal(start().result, 3)
  })

  it('is taken for a file of any characters and any size', async () => {
    await writeFile(join(root, 'chunks/part.cjs'), `exports.twice = number => '…é\u{1f600}'.length * number; /*${'\u2026'.repeat(2 ** 20)}*/`)
    start().code.keep({ isWhole: true })
    const before = await contents()
    const { code, result } = start()
    code.keep({ isWhole: true })

    assert.equal(result, 4)
    assert.deepEqual(await contents(), before)
  })

  it('is taken by what is loaded after the start, too', async () => {
    await writeFile(program, "exports.result = () => 1; exports.later = () => require('./chunks/part.cjs').twice(2)")
    const { code } = start()
    code.keep({ isWhole: true })

    assert.equal((code.require(program) as { later: () => number }).later(), 4)
  })

  it('is not taken when it is damaged', async () => {
    start().code.keep({ isWhole: true })
    for (const name of await readdir(kept)) {
      const bytes = await readFile(join(kept, name))
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 20) ^ 1, bytes.length - 20)
      await writeFile(join(kept, name), bytes)
    }

    assert.equal(start().result, 2)
  })

  it('is left alone by a command that sets V8 up otherwise, and a start under these settings has its own', async () => {
    start().code.keep({ isWhole: true })
    const before = await contents()
    const other = async (isWhole: boolean): Promise<void> => void await promisify(execFile)(process.execPath, ['--input-type=module', '-e', `
      process.getBuiltinModule('node:v8').setFlagsFromString('--semi-space-growth-factor=1')
      const { CodeCache } = await import(${JSON.stringify(String(module))})
      const code = new CodeCache(${JSON.stringify(join(root, 'cache'))})
      code.require(${JSON.stringify(program)}).result()
      code.keep({ isWhole: ${isWhole} })`])

    await other(false)
    assert.deepEqual(await contents(), before)
    await other(true)
    assert.notDeepEqual(await contents(), before)
  })

  it('of files that a newer build does not have is removed', async () => {
    start().code.keep({ isWhole: true })
    await writeFile(join(root, 'chunks/other.cjs'), 'exports.twice = number => 4 * number')
    await writeFile(program, "exports.result = () => require('./chunks/other.cjs').twice(1)")
    await rm(join(root, 'chunks/part.cjs'))
    const { code, result } = start()
    code.keep({ isWhole: true })

    assert.equal(result, 4)
    assert.deepEqual(await files(), ['other.cjs', 'program-main.cjs'])
  })

  it('is not kept where others may write', { skip: process.platform === 'win32' ? 'no modes' : false }, async () => {
    await mkdir(kept, { recursive: true })
    await chmod(kept, 0o777)
    const { code, result } = start()
    code.keep({ isWhole: true })

    assert.equal(result, 2)
    assert.deepEqual(await files(), [])
  })

  it('is not kept where it can not be, and the program runs', async () => {
    await writeFile(join(root, 'file'), '')
    for (const folder of [undefined, join(root, 'file')]) {
      const code = new CodeCache(folder)
      const result = (code.require(program) as { result: () => number }).result()
      code.keep({ isWhole: true })

      assert.equal(result, 2)
    }
  })
})
