import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'

const root = join(import.meta.dirname, '../..')
const table = readFileSync(join(root, 'docs/design/limits.md'), 'utf8').split('## All of them')[1] ?? ''

/** Named like limits, but of our own making: times, sizes of caches and pieces, Kubo's and Go's layouts, what the machine allows. */
const notLimits = new Set(`
  api/common/dag/tar.ts longestName, api/common/dag/tar.ts largestSize, api/gateway/location/content-path.ts maxReachable,
  api/gateway/pages/listing-page.ts longestFileName, api/gateway/recent-reads.ts largestBytes, api/gateway/location/resolution.ts longestRemembered,
  api/ipfs-proxy/add-metadata.ts longestNanoseconds, api/pinning/status-table.ts mostAsked, api/pinning/status-table.ts mostMsPerPin,
  api/pinning/status-table.ts mostRecent, base/rate-limited-logger.ts maxRemembered, base/text/duration.ts largestNanoseconds,
  base/system.ts longestTimerMs, blockstore/segments/block-cache.ts largestBytes, blockstore/segments/record.ts longestHeader,
  blockstore/segments/record.ts longestMultihash, cluster/pinning/allocated-peers.ts mostPeers, cluster/peers/remove-peer.ts longestRetryMs,
  cluster/peers/swarm.ts mostTries, model/pace.ts longestPauseMs, cluster/rebalance/drain-run.ts mostStuck,
  cluster/rebalance/rebalances.ts mostFailed, consensus/crdt/head-announcer.ts longestSilence, consensus/crdt/catch-up.ts longestRetryMs,
  events/webhooks/configured-webhooks.ts longestPauseMs, web/data/live-reader.ts longestPauseMs, web/pages/files/retrieve/shard-walk.ts mostShards,
  http/answer/bytes-in-flight.ts largestBuffer, importer/buzhash.ts maxBytes, importer/chunkers.ts maxBlockBytes,
  importer/directory-tree.ts maxPlainBytes, importer/hamt.ts maxLevels, importer/layouts.ts maxLinks, importer/link-map.ts maxLinks,
  importer/upload-session.ts maxScratchFiles, ipfs/compact-denylist/deny-files.ts longestRemembered,
  ipfs/compact-denylist/digest-table.ts mostFilled, ipfs/compact-denylist/rules.ts maxLine, ipfs/helia/unixfs/prefetch-walk.ts largestBlock,
  ipfs/helia/pins/holds.ts longestHoldMs, ipfs/helia/network/known-peers.ts maxPeers, ipfs/helia/names/key-files.ts longestFileName,
  model/dag-json.ts maxInt64, model/ipns-name.ts maxInlineBytes, network/host/gossip/gossip-silence.ts mostDoublings,
  node/folder/identity.ts longestInlineKey, state/imported-pin.ts largestInt32, state/imported-pin.ts maxPeers,
  tracker/stateless/operation-runner.ts mostWhole, tracker/stateless/crash-loop-guard.ts longestWaitMs, wire/known-names.ts maxRemembered,
  wire/known-names.ts maxRememberedBytes,
  wire/rpc-schema.ts maxSeconds34, ../cmd/helia-cluster-follow/follow-run.ts longestSocketPath
`.split(',').map(text => text.trim()))

const units: Record<string, number> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

/** `4 MiB + 64 KiB`, `16,384`, `2^48`. */
function stated (text: string): number {
  const value = (term: string): number => {
    const [, number = '', unit] = /^([\d,^]+)(?: (\w+))?$/.exec(term) ?? []
    const [base = '', power] = number.replaceAll(',', '').split('^')
    return (power == null ? Number(base) : Number(base) ** Number(power)) * (unit == null ? 1 : units[unit] ?? NaN)
  }
  const [first = '', ...rest] = text.split(/ (?=[+-] )/)
  return rest.reduce((sum, term) => sum + (term.startsWith('-') ? -1 : 1) * value(term.slice(2)), value(first))
}

const sourceOf = (file: string): string => readFileSync(join(root, 'src', file), 'utf8')

/** The service layer's own are in its documents. */
const isOfService = (file: string): boolean => /^(api\/)?service\//.test(file)

/** What is written behind the `=` of a constant, or behind the `:` of one of its properties. */
function expressionOf (text: string, name: string): string {
  const [constant = '', property] = name.split('.')
  const declared = new RegExp(`^(?:export )?const ${constant}(?:: \\w+)? = (.+)$`, 'm').exec(text)?.[1]
  return (property == null ? declared : new RegExp(`\\b${property}: ([^,}]+)`).exec(declared ?? '')?.[1]) ?? ''
}

/** The value of sums, products, powers and shifts of numbers and of other constants. */
function valueOf (file: string, expression: string): number {
  const terms = expression.trim().split(/ (?=[+-] )/)
  const term = (product: string): number => product.split(' * ').reduce((value, factor) => value * factorOf(factor), 1)
  const factorOf = (factor: string): number => {
    const [, base = '', operator, by] = /^([\w.]+)(?: (\*\*|<<) (\d+))?$/.exec(factor.trim()) ?? []
    const value = /^\d/.test(base) ? Number(base.replaceAll('_', '')) : constantIn(file, base)
    return operator === '**' ? value ** Number(by) : operator === '<<' ? value * 2 ** Number(by) : value
  }
  return terms.reduce((sum, part) => sum + (part.startsWith('- ') ? -term(part.slice(2)) : term(part.replace(/^\+ /, ''))), 0)
}

/** A constant of this file, or of the one that it is imported from. */
function constantIn (file: string, name: string): number {
  const text = sourceOf(file)
  const own = expressionOf(text, name)
  if (own !== '') return valueOf(file, own)
  const from = new RegExp(`import \\{[^}]*\\b${name}\\b[^}]*\\} from '([^']+)'`).exec(text)?.[1]
  return from == null ? NaN : constantIn(join(dirname(file), from), name)
}

interface Row { file: string, name: string, most: string }
const rows: Row[] = [...table.matchAll(/^\| [^|]+ \| `([^`]+)` `([^`]+)` \| ([^|]+) \| [^|]+ \|$/gm)].map(
  ([, file = '', name = '', most = '']) => ({ file, name, most: most.trim() })
)

describe('the table of limits', () => {
  it('says what the code says', () => {
    const wrong = rows.filter(({ file, name, most }) => constantIn(file, name) !== stated(most))

    assert.ok(rows.length > 100)
    assert.deepEqual(wrong, [])
  })

  it('has every constant that is named like a limit', () => {
    const listed = new Set(rows.map(({ file, name }) => `${file} ${name}`))
    const found = ['src', 'cmd'].flatMap(folder =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts')).flatMap(file => {
      const path = folder === 'src' ? file : `../cmd/${file}`
      return isOfService(path)
        ? []
        : [
          ...sourceOf(path).matchAll(/^(?:export )?const ((?:max|longest|largest|most)[A-Z]\w*)(?:: \w+)? = [^(\n]*$/gm)
        ].map(([, name = '']) => `${path} ${name}`)
    }))

    assert.deepEqual(
      found.filter(one => !listed.has(one) && !notLimits.has(one)), [],
      'these belong into the table of docs/design/limits.md, or into the list of what is no limit here'
    )
    assert.deepEqual([...notLimits].filter(one => listed.has(one)), [])
  })
})
