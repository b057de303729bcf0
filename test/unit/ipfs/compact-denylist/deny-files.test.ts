import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'
import { isClusterError } from '../../../../src/base/errors.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { systemClock } from '../../../../src/base/system.ts'
import { denyFiles } from '../../../../src/ipfs/compact-denylist/deny-files.ts'
import { denyLists } from '../../../support/deny-lists.ts'
import type { DenyLists } from '../../../support/deny-lists.ts'
import { NotedLogger } from '../../../support/noted-logger.ts'
import { quietMs } from '../../../support/poll.ts'

const never = new AbortController().signal
const cidOf = async (text: string): Promise<CID> => CID.createV1(0x55, await sha256.digest(Buffer.from(text)))
const [a, b, c] = await Promise.all(['a', 'b', 'c'].map(cidOf)) as [CID, CID, CID]
const opened: DenyLists[] = []
after(async () => { for (const lists of opened) await lists.close() })

async function listsOf (lines: readonly string[], options: Parameters<typeof denyLists>[1] = {}): Promise<DenyLists> {
  const lists = await denyLists(lines, options)
  opened.push(lists)
  return lists
}

const rulesOf = ({ denylist }: DenyLists, cids: readonly CID[] = [a, b, c]): Array<string | undefined> =>
  cids.map(cid => denylist.checkCid(cid)?.rule)

describe('denylists in files', { timeout: quietMs(20_000) }, () => {
  it('takes a change when the file has rested for one look, all of it at once', async () => {
    const lists = await listsOf([`/ipfs/${a}`])

    await lists.write('test.deny', [`/ipfs/${b}`, `/ipfs/${c}`])
    await lists.denylist.upkeep.work(never)
    const stillOld = rulesOf(lists)
    await lists.denylist.upkeep.work(never)

    assert.deepEqual(stillOld, ['test.deny:1', undefined, undefined])
    assert.deepEqual(rulesOf(lists), [undefined, 'test.deny:1', 'test.deny:2'])
  })

  it('takes appended rules, the last one without a line break too, and files that came by rename', async () => {
    const lists = await listsOf([`/ipfs/${a}`])

    await appendFile(join(lists.folder, 'test.deny'), `/ipfs/${b}`)
    await lists.look()
    const appended = rulesOf(lists)
    await lists.write('draft', [`/ipfs/${c}`])
    await rename(join(lists.folder, 'draft'), join(lists.folder, 'test.deny'))
    await lists.look()

    assert.deepEqual(appended, ['test.deny:1', 'test.deny:2', undefined])
    assert.deepEqual(rulesOf(lists), [undefined, undefined, 'test.deny:1'])
  })

  it('takes new lists of a folder and drops those that are gone at two looks; other files there are nothing', async () => {
    const lists = await listsOf([`/ipfs/${a}`])

    await lists.write('more.deny', [`/ipfs/${b}`])
    await lists.write('notes.txt', [`/ipfs/${c}`])
    await lists.look()
    const both = rulesOf(lists)
    await rm(join(lists.folder, 'test.deny'))
    await lists.denylist.upkeep.work(never)
    const goneOnce = rulesOf(lists)
    await lists.denylist.upkeep.work(never)

    assert.deepEqual(both, ['test.deny:1', 'more.deny:1', undefined])
    assert.deepEqual(goneOnce, both)
    assert.deepEqual(rulesOf(lists), [undefined, 'more.deny:1', undefined])
  })

  it('lets the later list decide, in alphabetical order', async () => {
    const lists = await listsOf([`/ipfs/${a}`, `/ipfs/${b}`])

    await lists.write('zz.deny', [`!/ipfs/${a}`])
    await lists.write('aa.deny', [`!/ipfs/${b}`])
    await lists.look()

    assert.deepEqual(rulesOf(lists), [undefined, 'test.deny:2', undefined])
  })

  it('keeps the last good rules of a file that can not be used, and says so', async () => {
    const log = new NotedLogger()
    const { lines } = log
    const lists = await listsOf([`/ipfs/${a}`], { log })
    const broken = [
      ['<html>', '<body>404 Not Found</body>', '</html>'],
      ['version: 2', '---', `/ipfs/${b}`],
      ['name: [', '---', `/ipfs/${b}`],
      ['just text', '---', `/ipfs/${b}`]
    ]

    for (const content of broken) {
      await lists.write('test.deny', content)
      await lists.look()
      assert.deepEqual(rulesOf(lists), ['test.deny:1', undefined, undefined], content.join('|'))
      assert.notEqual(lists.denylist.lists()[0]?.fault, '')
    }
    await lists.write('test.deny', [`/ipfs/${b}`])
    await lists.look()

    assert.deepEqual(rulesOf(lists), [undefined, 'test.deny:1', undefined])
    assert.deepEqual(lists.denylist.lists(), [{ name: 'test.deny', rules: 1, hits: 0, fault: '' }])
    assert.equal(lines.filter(line => line.level === 'error').length, broken.length)
  })

  it('keeps the rules of a folder that is gone, and reads it when it is back', async () => {
    const lists = await listsOf([`/ipfs/${a}`])

    await rename(lists.folder, `${lists.folder}.away`)
    for (let look = 0; look < 3; look++) await lists.look()
    const away = [rulesOf(lists), lists.denylist.lists()[0]?.fault]
    await rename(`${lists.folder}.away`, lists.folder)
    await lists.look()

    assert.deepEqual(away, [['test.deny:1', undefined, undefined], 'it is not there'])
    assert.deepEqual([rulesOf(lists), lists.denylist.lists()[0]?.fault], [['test.deny:1', undefined, undefined], ''])
  })

  it('leaves out lines that can not be read, names them in the log and counts the rest', async () => {
    const log = new NotedLogger()
    const { lines } = log

    const lists = await listsOf(
      [
        '# mine', `/ipfs/${a}`, '/ipfs/nonsense', `/ipfs/${b}`, '//abc', '/ipfs/', `/ipfs/${c}/%zz`, `/ipsf/${c}`, `/ipfs/${c}`,
        '/ipns/one.example', '/ipns/two.example'
      ],
      { log }
    )
    const told = lines.find(line => line.level === 'warn')?.facts

    assert.deepEqual(rulesOf(lists), ['test.deny:2', 'test.deny:4', 'test.deny:9'])
    assert.equal(told?.lines, 5)
    assert.deepEqual(((told?.first ?? []) as string[]).map(text => Number.parseInt(text)), [3, 5, 6, 7, 8])
  })

  it('reads line breaks of Windows and passes over a line that is too long', async () => {
    const lists = await listsOf([`name: x\r\n---\r\n/ipfs/${a}\r`, `/ipfs/${b} ${'x'.repeat(2_200_000)}`, `/ipfs/${c}\r`])

    assert.deepEqual(rulesOf(lists), ['test.deny:3', undefined, 'test.deny:5'])
  })

  it('reads lines of 2 Mi characters and headers of 1 Mi, and no longer ones', async () => {
    const [mostLine, mostHeader] = [2 * 2 ** 20, 2 ** 20]
    const rule = (cid: CID, length: number): string => `/ipfs/${cid} `.padEnd(length, 'x')
    // of a header, line breaks count
    const header = (length: number): string => 'hints: {gateway_status: 451}\n# '.padEnd(length - 1, 'y')

    const lists = await listsOf([rule(a, mostLine), rule(b, mostLine + 1), `/ipfs/${c}`])
    const [known, none] = [
      await listsOf([header(mostHeader), '---', `/ipfs/${a}`]),
      await listsOf([header(mostHeader + 1), '---', `/ipfs/${a}`, `/ipfs/${b}`, `/ipfs/${c}`])
    ]

    assert.deepEqual(rulesOf(lists), ['test.deny:1', undefined, 'test.deny:3'])
    assert.deepEqual([known, none].map(lists => rulesOf(lists, [a])[0]), ['test.deny:4', 'test.deny:4'])
    // without a header, its hints are a line that is no rule
    assert.deepEqual([known, none].map(({ denylist }) => denylist.checkCid(a)?.reason), ['legal', 'policy'])
    assert.deepEqual([known, none].map(({ denylist }) => denylist.count()), [1, 3])
  })

  it('does not start with a list that is missing or broken, and starts without a folder that may be missing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-deny-'))
    const broken = join(folder, 'broken.deny')
    await writeFile(broken, 'version: 9\n---\n')
    const start = async (path: string, required: boolean): Promise<number> => {
      const denylist = denyFiles({ sources: [{ path, required }] }, { clock: systemClock, log: silentLogger })
      await denylist.start(never)
      return denylist.count()
    }

    await assert.rejects(start(broken, true), err => isClusterError(err, 'INVALID_CONFIG') && err.message.includes('version is 9'))
    await assert.rejects(start(join(folder, 'none.deny'), true), err => isClusterError(err, 'INVALID_CONFIG'))
    assert.equal(await start(join(folder, 'none'), false), 0)
    await rm(folder, { recursive: true })
  })

  it('counts what was refused by list, and logs the rule once a minute without saying what it was', async () => {
    const log = new NotedLogger()
    const { lines } = log
    const lists = await listsOf([`/ipfs/${a}`], { log })
    const denial = lists.denylist.checkCid(a)

    for (let times = 0; times < 50; times++) if (denial != null) lists.denylist.refused(denial)

    assert.equal(lists.denylist.lists()[0]?.hits, 50)
    const told = lines.filter(line => line.level === 'warn')
    assert.deepEqual([told.length, told[0]?.facts], [1, { rule: 'test.deny:1' }])
  })

  it('holds many rules in little memory', async () => {
    const many = Array.from({ length: 20_000 }, (_, at) => `//${createHash('sha256').update(String(at)).digest('hex')}`)

    const lists = await listsOf([...many, `//${createHash('sha256').update(`${a}/`).digest('hex')}`])

    assert.deepEqual(rulesOf(lists), ['test.deny:20001', undefined, undefined])
    assert.equal(lists.denylist.count(), 20_001)
  })
})
