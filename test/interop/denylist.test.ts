import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { base58btc } from 'multiformats/bases/base58'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'
import type { Block } from '../../src/blockstore/blockstore.ts'
import { directoryBlock, rawBlock } from '../support/unixfs-blocks.ts'
import { denyLists } from '../support/deny-lists.ts'
import type { DenyLists } from '../support/deny-lists.ts'
import { gatewayPeer } from '../support/gateway-peer.ts'
import type { GatewayPeer } from '../support/gateway-peer.ts'
import { freePorts } from '../support/free-ports.ts'
import { pollUntil } from '../support/poll.ts'
import { kuboProgram, startKubo } from '../support/kubo.ts'
import type { RunningKubo } from '../support/kubo.ts'
import { memoryNames } from '../support/memory-names.ts'

if (kuboProgram == null) it('denylists beside Kubo', { skip: 'there is no Kubo: no `ipfs` on the path or in $GO_BIN' }, () => {})
else besideKubo(kuboProgram)

interface Case { what: string, rules: string[], paths: string[], /** Why the verdicts part, where they do. */ differs?: string }

const hex = (text: string): string => createHash('sha256').update(text).digest('hex')
const doubled = async (text: string): Promise<string> => base58btc.encode((await sha256.digest(Buffer.from(text))).bytes).slice(1)
const b58 = (cid: CID): string => base58btc.encode(cid.multihash.bytes).slice(1)

/** The same rules and requests for both gateways; each case has a tree of its own. */
async function casesOf (tree: (name: string) => Promise<CID>): Promise<Case[]> {
  const at = async (name: string): Promise<string> => `/ipfs/${await tree(name)}`
  const below = (root: string, ...paths: string[]): string[] => ['', ...paths.map(path => `/${path}`)].map(path => `${root}${path}`)
  const roots = Object.fromEntries(
    await Promise.all(
      [
        'cid', 'v0', 'path', 'star', 'exceptions', 'below', 'legacy', 'legacyPath', 'codec', 'modern', 'modernPath', 'allowed', 'space',
        'plus', 'bare', 'ordered', 'again'
      ].map(async name => [name, await tree(name)])
    )
  ) as Record<string, CID>
  const root = (name: string): string => `/ipfs/${roots[name]}`
  const cid = (name: string): CID => roots[name] as CID
  return [
    // any: the digest's type doesn't say sha2-256
    {
      what: 'a CID', rules: [root('cid')],
      paths: [
        ...below(root('cid'), 'file', 'folder/file'), `/ipfs/${CID.createV0(cid('cid').multihash as any)}`,
        `/ipfs/${CID.createV1(0x55, cid('cid').multihash)}?format=raw`, `${root('cid')}?format=car`
      ]
    },
    { what: 'a CID in its version 0', rules: [`/ipfs/${b58(cid('v0'))}`], paths: below(root('v0'), 'file') },
    { what: 'a path', rules: [`${root('path')}/folder/file`], paths: below(root('path'), 'file', 'folder', 'folder/file') },
    { what: 'a beginning of paths', rules: [`${root('star')}/fo*`], paths: below(root('star'), 'file', 'folder', 'folder/file') },
    {
      what: 'exceptions',
      rules: [`${root('exceptions')}/f*`, `!${root('exceptions')}/file`, `+${root('exceptions')}/folder*`, `-${root('exceptions')}/four`],
      paths: below(root('exceptions'), 'file', 'folder', 'folder/file', 'four', 'five')
    },
    {
      what: 'everything below, and an exception that can not be reached', rules: [`${root('below')}/*`, `!${root('below')}/file`],
      paths: below(root('below'), 'file', 'folder')
    },
    { what: 'a CID, allowed again', rules: [root('allowed'), `!${root('allowed')}`], paths: below(root('allowed'), 'file') },
    { what: 'a CID, allowed before it is denied', rules: [`!${root('ordered')}`, root('ordered')], paths: below(root('ordered')) },
    { what: 'the older double hash of a CID', rules: [`//${hex(`${cid('legacy')}/`)}`], paths: below(root('legacy'), 'file') },
    {
      what: 'the older double hash of a path', rules: [`//${hex(`${cid('legacyPath')}/folder/file`)}`],
      paths: below(root('legacyPath'), 'file', 'folder', 'folder/file')
    },
    { what: 'the newer double hash of a CID', rules: [`//${await doubled(b58(cid('modern')))}`], paths: below(root('modern'), 'file') },
    {
      what: 'the newer double hash of a path', rules: [`//${await doubled(`${b58(cid('modernPath'))}/folder/file`)}`],
      paths: below(root('modernPath'), 'file', 'folder', 'folder/file')
    },
    {
      what: 'a double hash, allowed again', rules: [`//${await doubled(b58(cid('again')))}`, `!//${await doubled(b58(cid('again')))}`],
      paths: below(root('again'))
    },
    { what: 'a name with a space', rules: [`${root('space')}/a%20b`], paths: below(root('space'), 'a%20b') },
    { what: 'a domain', rules: ['/ipns/bad.example'], paths: ['/ipns/bad.example', '/ipns/fine.example'] },
    { what: 'what a name leads to', rules: [root('cid')], paths: ['/ipns/leads-to-cid.example', '/ipns/leads-to-cid.example/file'] },
    { what: 'the older double hash of a domain', rules: [`//${hex('hashed.example/')}`], paths: ['/ipns/hashed.example'] },
    { what: 'the newer double hash of a domain', rules: [`//${await doubled('/ipns/hashed2.example')}`], paths: ['/ipns/hashed2.example'] },
    {
      what: 'the empty directory', rules: ['/ipfs/QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn'],
      paths: ['/ipfs/QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn/']
    },
    { what: 'lines that can not be read', rules: ['/ipfs/nonsense', '//nonsense', '# comment', ''], paths: [await at('fine')] },

    {
      what: 'a path behind a domain', rules: ['/ipns/part.example/folder*'], paths: ['/ipns/part.example/folder', '/ipns/part.example/file']
    },
    {
      what: 'what is behind a denied domain', rules: ['/ipns/bad.example'], paths: ['/ipns/bad.example/file'],
      differs: 'Kubo denies only the name by itself, and the name is looked up for every path behind it'
    },
    {
      what: 'the older double hash, asked for with another codec', rules: [`//${hex(`${cid('codec')}/`)}`],
      paths: [`/ipfs/${CID.createV1(0x55, cid('codec').multihash)}?format=raw`],
      differs: 'the block is the same whatever codec it is asked for with'
    },
    {
      what: 'a CID without /ipfs/', rules: [String(cid('bare'))], paths: below(root('bare')),
      differs: 'Kubo takes it for a path behind any root, which denies nothing'
    },
    {
      what: 'a plus in a path', rules: [`${root('plus')}/a+b`], paths: [`${root('plus')}/a+b`],
      differs: 'Kubo reads it as a space, as in a form; in paths it is a plus (RFC 3986)'
    },
    {
      what: 'a domain in upper case', rules: ['/ipns/UPPER.example'], paths: ['/ipns/upper.example'],
      differs: 'names of domains have no case'
    }
  ]
}

function besideKubo (program: string): void {
  describe('denylists beside Kubo', { timeout: 120_000 }, () => {
    let kubo: RunningKubo
    let ours: GatewayPeer
    let lists: DenyLists
    let cases: Case[]
    let gateway = ''
    let configHome = ''
    const environment = { XDG_CONFIG_HOME: process.env['XDG_CONFIG_HOME'], IPFS_NS_MAP: process.env['IPFS_NS_MAP'] }

    before(async () => {
      const blocks: Block[] = []
      const tree = async (name: string): Promise<CID> => {
        const file = await rawBlock(`a file of ${name}`)
        const folder = await directoryBlock({ file })
        const top = await directoryBlock({ 'a b': file, 'a+b': file, file, five: file, folder, four: file })
        blocks.push(file, folder, top)
        return top.cid
      }
      cases = await casesOf(tree)
      const fine = await tree('fine')
      const names = Object.fromEntries(
        ['fine', 'bad', 'part', 'hashed', 'hashed2', 'upper'].map(name => [`${name}.example`, `/ipfs/${fine}`])
      )
      names['leads-to-cid.example'] = `${cases[0]?.rules[0]}`
      const rules = ['version: 1', 'name: compared', '---', ...cases.flatMap(one => one.rules)]

      configHome = await mkdtemp(join(tmpdir(), 'helia-cluster-deny-kubo-'))
      await mkdir(join(configHome, 'ipfs/denylists'), { recursive: true })
      await writeFile(join(configHome, 'ipfs/denylists/test.deny'), `${rules.join('\n')}\n`)
      process.env['XDG_CONFIG_HOME'] = configHome
      process.env['IPFS_NS_MAP'] = Object.entries(names).map(([name, value]) => `${name}:${value}`).join(',')
      const [port] = await freePorts(1)
      gateway = `http://127.0.0.1:${port}`
      kubo = await startKubo(program, [['Addresses.Gateway', `["/ip4/127.0.0.1/tcp/${port}"]`]])
      lists = await denyLists(rules)
      ours = await gatewayPeer({}, { denylist: lists.denylist, names: memoryNames(names) })
      ours.blocks.keep(...blocks)
      await store(blocks)
      // there the rules come into force some time after the start
      await pollUntil(async () => await verdict(gateway, cases[0]?.paths[0] ?? '') === 'denied', { withinMs: 10_000, what: "Kubo's rules" })
    })
    after(async () => {
      for (const [name, value] of Object.entries(environment)) {
        if (value == null) delete process.env[name]
        else process.env[name] = value
      }
      await ours?.stop()
      await lists?.close()
      await kubo?.close()
      await rm(configHome, { recursive: true, force: true })
    })

    /** What is denied, Kubo doesn't store; it isn't needed for a verdict. */
    async function store (blocks: readonly Block[]): Promise<void> {
      for (const { bytes } of blocks) {
        const form = new FormData()
        form.append('file', new Blob([new Uint8Array(bytes)]))
        await (
          await fetch(`${kubo.url}/api/v0/block/put?cid-codec=raw&mhtype=sha2-256&allow-big-block=true`, { method: 'POST', body: form })
        ).text()
      }
    }

    const verdict = async (base: string, path: string): Promise<'denied' | 'not denied'> => {
      const response = await fetch(`${base}${path}`, { redirect: 'manual' })
      await response.arrayBuffer().catch(() => undefined)
      return response.status === 410 ? 'denied' : 'not denied'
    }

    it('give the same verdict, or part for a reason that is told', async () => {
      const parted: string[] = []
      for (const { what, paths, differs } of cases) {
        for (const path of paths) {
          const [theirs, mine] = [await verdict(gateway, path), await verdict(ours.url, path)]
          if (process.env['DENY_TABLE'] != null) console.log([theirs, mine, what, path].join('\t'))
          if ((theirs === mine) === (differs == null)) continue
          parted.push(`${what}: ${path}: Kubo ${theirs}, we ${mine}`)
        }
      }

      assert.deepEqual(parted, [])
    })
  })
}
