import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, it } from 'node:test'

/**
 * The dependency rules of docs/design/architecture.md as data. A seam is a folder whose contract files lie directly in it; its sub-folders
 * are implementations.
 */
const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const seams = ['datastore', 'blockstore', 'network', 'consensus', 'ipfs', 'tracker', 'allocator', 'monitor', 'informer', 'pinindex']
const contracts = [...seams, 'importer']
/**
 * Seams within the service layer: src/service/<seam>/<implementation>. Migrations belong to the contract: every database has the same
 * tables.
 */
const serviceSeams = ['sql', 'staging', 'mail', 'limits']

/** Which rooms a room may import from. `contracts` stands for the contract files of every seam. */
const mayImport: Record<string, string[]> = {
  base: [],
  model: ['base'],
  wire: ['base', 'model'],
  hash: ['base'],
  leveldb: ['base'],
  libp2p: ['base', 'model'],
  config: ['base', 'model'],
  importer: ['base', 'model', 'wire', 'hash', 'contracts'],
  contract: ['base', 'model', 'leveldb', 'contracts'],
  implementation: ['base', 'model', 'wire', 'hash', 'leveldb', 'libp2p', 'contracts'],
  cluster: ['base', 'model', 'contracts'],
  http: ['base'],
  events: ['base', 'model', 'contracts'],
  observe: ['base', 'model', 'http', 'contracts', 'cluster-api'],
  api: ['base', 'model', 'http', 'events', 'contracts', 'cluster-api'],
  service: ['base', 'model', 'events', 'contracts', 'cluster-api', 'service-contract'],
  'service-contract': ['base', 'model'],
  'service-implementation': ['base', 'service-contract'],
  'service-api': ['base', 'model', 'http', 'events', 'api', 'contracts', 'cluster-api', 'service', 'service-contract'],
  client: ['base', 'model'],
  // runs in browsers
  web: ['base', 'model', 'client'],
  rpc: ['base', 'model', 'wire', 'contracts', 'cluster-api'],
  state: ['base', 'model', 'wire', 'config', 'contracts', 'implementation'],
  node: [
    'base', 'model', 'wire', 'hash', 'state', 'config', 'contracts', 'implementation', 'cluster', 'cluster-api', 'http', 'api', 'rpc',
    'importer', 'observe', 'events', 'service', 'service-contract', 'service-implementation', 'service-api'
  ],
  cmd: ['node', 'state', 'config', 'client', 'base', 'model']
}

/** The rooms of the embedded IPFS node, and which of them each loads; `connector.ts` and `local-node.ts` beside them put it together. */
const heliaRooms: Record<string, string[]> = {
  links: [],
  walk: ['links'],
  repository: ['links', 'walk'],
  unixfs: ['links', 'walk'],
  exchange: [],
  retrieval: [],
  names: [],
  network: ['exchange', 'names'],
  pins: ['links']
}

/** Only these read the clock, the dice or the environment themselves. */
const impureFiles = [/^src\/base\/(system|event-loop)\.ts$/, /^src\/node\//, /^src\/client\/multipart\.ts$/, /^cmd\//, /^src\/web\//]
const impure = new RegExp([
  /\bDate\.now\(|new Date\(\)|\bperformance\.now\(|\bhrtime\b|process\.env\b/,
  /\bMath\.random\(|\brandom(UUID|Bytes|Int|Fill|FillSync)\(/,
  /\bset(Timeout|Interval)\(|\bsetImmediate\b|AbortSignal\.timeout\(|\bprocess\.nextTick\(|\bscheduler\.(wait|yield)\(/,
  /\btimers\/promises\b|\bgetRandomValues\(|\bgenerateKeyPair(Sync)?\(/
].map(({ source }) => source).join('|'))

interface SourceFile { path: string, text: string, imports: Array<{ target: string, isType: boolean }> }

function filesUnder (folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map(entry => relative(root, join(entry.parentPath, entry.name)))
}

function read (path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8')
  const imports = [
    ...text.matchAll(
      /^\s*(?:import|export)\s+(type\s)?[^'"\n]*?(?:from\s+)?['"](\.[^'"]+)['"]|import\(['"](\.[^'"]+)['"]\)|^\} from ['"](\.[^'"]+)['"]/gm
    )
  ]
    .map(match => ({
      target: relative(root, join(root, dirname(path), match[2] ?? match[3] ?? match[4] ?? '')),
      isType: match[1] != null
    }))
  return { path, text, imports }
}

/** The room a file belongs to. */
function roomOf (path: string): string {
  const [top = '', folder = '', second = '', third = ''] = path.split('/')
  if (top === 'cmd') return 'cmd'
  if (folder === 'api' && second === 'service') return 'service-api'
  if (folder === 'service') {
    return !serviceSeams.includes(second)
      ? 'service'
      : third.endsWith('.ts') || third === 'migrations'
      ? 'service-contract'
      : 'service-implementation'
  }
  if (folder === 'cluster') return second === 'cluster-api.ts' ? 'cluster-api' : 'cluster'
  if (folder === 'importer') return second === 'importer.ts' ? 'contract' : 'importer'
  if (seams.includes(folder)) return second.endsWith('.ts') ? 'contract' : 'implementation'
  return folder
}

/** For implementations: src/<seam>/<implementation>, in the service layer one level deeper. */
const homeOf = (path: string): string => path.split('/').slice(0, path.startsWith('src/service/') ? 4 : 3).join('/')

const sources = [...filesUnder('src'), ...filesUnder('cmd')].map(read)

function forbidden (file: SourceFile, target: string): boolean {
  const from = roomOf(file.path)
  const to = roomOf(target)
  // APIs don't know each other; what they share is in api/common
  if (from === to && !from.endsWith('implementation')) {
    // a seam of the service knows no other
    if (from === 'service-contract') return file.path.split('/')[2] !== target.split('/')[2]
    return from === 'api' && homeOf(file.path) !== homeOf(target) && homeOf(target) !== 'src/api/common'
  }
  if (from === to) return homeOf(file.path) !== homeOf(target)
  if (from === 'service-api' && to === 'api') return homeOf(target) !== 'src/api/common'
  const allowed = mayImport[from === 'cluster-api' ? 'cluster' : from] ?? []
  if (from === 'cluster' && to === 'cluster-api') return false
  return !allowed.includes(to === 'contract' ? 'contracts' : to)
}

describe('architecture', () => {
  it('imports go only in the allowed directions', () => {
    const broken = sources.flatMap(
      file => file.imports.filter(({ target }) => forbidden(file, target)).map(({ target }) => `${file.path} -> ${target}`)
    )

    assert.deepEqual(broken, [])
  })

  it('keeps the rooms of the embedded node apart', () => {
    const home = 'src/ipfs/helia'
    const heliaRoom = (path: string): string => relative(home, path).split('/').at(-2) ?? ''
    const inside = sources.filter(({ path }) => path.startsWith(`${home}/`) && heliaRoom(path) !== '')
    const broken = inside.flatMap(({ path, imports }) => imports
      .filter(({ target, isType }) => !isType && target.startsWith(`${home}/`))
      .filter(({ target }) => heliaRoom(target) !== heliaRoom(path) && heliaRooms[heliaRoom(path)]?.includes(heliaRoom(target)) !== true)
      .map(({ target }) => `${path} -> ${target}`))
    const flat = sources.map(({ path }) => path).filter(path => path.startsWith(`${home}/`) && heliaRoom(path) === '').toSorted()

    assert.deepEqual(broken, [])
    assert.deepEqual([...new Set(inside.map(({ path }) => heliaRoom(path)))].toSorted(), Object.keys(heliaRooms).toSorted())
    assert.deepEqual(flat, [`${home}/connector.ts`, `${home}/local-node.ts`])
  })

  it('has no cycle of value imports', () => {
    const graph = new Map(sources.map(file => [file.path, file.imports.filter(one => !one.isType).map(one => one.target)]))
    const done = new Set<string>()
    const cycles: string[] = []
    const visit = (path: string, trail: string[]): void => {
      if (trail.includes(path)) { cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> ')); return }
      if (done.has(path)) return
      for (const next of graph.get(path) ?? []) visit(next, [...trail, path])
      done.add(path)
    }
    for (const path of graph.keys()) visit(path, [])

    assert.deepEqual(cycles, [])
  })

  it('loads nothing of the service layer with a peer that has none', () => {
    const loadedFrom = (path: string): string[] => [
      ...(sources.find(file => file.path === path)?.text ?? '').matchAll(
        /^(?:import|export)\s+(?!type\s)[^'"\n]*?(?:from\s+)?['"](\.[^'"]+)['"]/gm
      )
    ]
      .map(match => relative(root, join(root, dirname(path), match[1] ?? '')))
    const seen = new Set<string>()
    const visit = (path: string): void => {
      if (seen.has(path)) return
      seen.add(path)
      for (const next of loadedFrom(path)) visit(next)
    }
    for (const start of ['src/node/node.ts', 'cmd/helia-cluster-service/main.ts', 'cmd/helia-cluster-service/daemon.ts']) visit(start)

    assert.ok(seen.size > 300, `${seen.size} files`)
    assert.deepEqual([...seen].filter(path => /^src\/(api\/)?service\//.test(path) || path === 'src/node/compose/compose-service.ts'), [])
  })

  it('takes time, chance and environment as arguments', () => {
    const adapters = /^src\/(libp2p|network\/host|ipfs\/(helia|kubo)|http|service\/(sql|staging|mail|limits)\/[a-z0-9]+)\//
    const broken = sources
      .filter(file => !impureFiles.some(pattern => pattern.test(file.path)) && !adapters.test(file.path))
      .flatMap(
        file => file.text.split('\n').flatMap(
          (line, at) => impure.test(line) && !/^\s*(\*|\/\/|\/\*)/.test(line) ? [`${file.path}:${at + 1}`] : []
        )
      )

    assert.deepEqual(broken, [])
  })

  it('measures how long something takes or waits with `elapsed`, which nobody sets', () => {
    /** Times that outlive the process. */
    const onDisk = ['src/cluster/pinning/move.ts', 'src/tracker/stateless/crash-loop-guard.ts']
    const noted = /(#?\w+)(?:: \w+)?(?: =|:) [\w#.]*\bclock\.now\(\)/g
    const compared = /(?:clock\.now\(\)|\bnow) (?:-|[<>]=?) |(?:-|[<>]=?) [\w#.]*(?:clock\.now\(\)|\bnow\b)/i
    const broken = sources.filter(({ path }) => !path.startsWith('src/web/') && !onDisk.includes(path)).flatMap(({ path, text }) => {
      const names = [...text.matchAll(noted)].map(([, name = '']) => name).filter(name => name !== 'now')
      if (names.length === 0) return []
      const isNamed = new RegExp(`(?<![\\w#])(?:${names.join('|')})(?![\\w:])`)
      return text.split('\n').flatMap(
        (line, at) => compared.test(line) && isNamed.test(line) && !line.includes('database.now') ? [`${path}:${at + 1}`] : []
      )
    })

    assert.deepEqual(broken, [])
  })

  it('keeps every import pointed at a file that exists', () => {
    const known = new Set(sources.map(file => file.path))
    const broken = sources.flatMap(
      file => file.imports.filter(
        ({ target }) => /\.tsx?$/.test(target) && !known.has(target)
      ).map(({ target }) => `${file.path} -> ${target}`)
    )

    assert.deepEqual(broken, [])
  })

  it('knows every room', () => {
    const unknown = new Set(sources.map(file => roomOf(file.path)).filter(room => room !== 'cluster-api' && mayImport[room] == null))

    assert.deepEqual([...unknown], [])
  })

  it('has a line for every room in CONTRIBUTING.md', () => {
    const table = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8').split('\n').filter(
      line => line.startsWith('| `')
    ).map(line => line.split('|')[1]).join()
    const missing = readdirSync(join(root, 'src')).filter(room => !table.includes(`\`${room}\``))

    assert.deepEqual(missing, [])
  })

  it('calls no file after a participle alone: what it holds is a noun', () => {
    const alone = sources.map(({ path }) => path).filter(path => /\/[a-z]+(?<!e|emb)ed\.tsx?$/.test(path))

    assert.deepEqual(alone, [])
  })

  it('never sleeps in quick tests', () => {
    // they test what the clock itself, a socket or V8 does in real time
    const inRealTime = [
      'test/unit/base/clock.test.ts', 'test/unit/http/server.test.ts', 'test/unit/cmd/collector.test.ts', 'test/contract/broadcast.test.ts',
      'test/contract/peer-streams.ts'
    ]
    const sleeping = new RegExp([
      /\b(?:await|return|yield|=>) (?:sleep|delay|wait|pause)\(\d|\bawait (?:sleep|delay|wait|pause)\(|\bsetTimeout\b/,
      /\bsystemClock\.(?:sleep|after)\(|\bscheduler\.wait\(|\bAbortSignal\.timeout\(|Atomics\.wait|\bsleep \d|\bpollUntil\(\(\) => false/
    ].map(({ source }) => source).join('|'))
    const tests = ['test/unit', 'test/contract'].flatMap(filesUnder).filter(
      path => !path.endsWith('architecture.test.ts') && !inRealTime.includes(path)
    ).map(read)
    const broken = tests.flatMap(file => file.text.split('\n').flatMap((line, at) => sleeping.test(line) ? [`${file.path}:${at + 1}`] : []))

    assert.deepEqual(broken, [])
  })

  it('has no line above 140 characters that is not one long text, template or pattern', () => {
    const longest = 140
    const literal = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\\n]|\\.)*`?|\/(?:[^/\\\n]|\\.)+\//g
    const files = ['src', 'cmd', 'test'].flatMap(filesUnder).map(read)
    const long = files.flatMap(({ path, text }) => {
      let isTemplate = false
      return text.split('\n').flatMap((line, at) => {
        const isPart = isTemplate || /`/.test(line) && (line.match(/(?<!\\)`/g) ?? []).length % 2 === 1
        if ((line.match(/(?<!\\)`/g) ?? []).length % 2 === 1) isTemplate = !isTemplate
        return line.length > longest && !isPart && !/^\s*\* \|/.test(line) && line.replace(literal, '').length > 100 ? [`${path}:${at + 1}`] : []
      })
    })

    assert.deepEqual(long, [])
  })

  it('lets the linter refuse functions of more than 60 lines in src and cmd', () => {
    const { overrides } = JSON.parse(readFileSync(join(root, '.oxlintrc.json'), 'utf8')) as {
      overrides: Array<{ files: string[], rules: Record<string, unknown> }>
    }
    const off = sources.filter(({ text }) => /\b(?:ox|es)lint-disable[^\n]*max-lines/.test(text)).map(({ path }) => path)

    assert.deepEqual(overrides, [
      {
        files: ['src/**', 'cmd/**'],
        rules: { 'max-lines-per-function': ['error', { max: 60, skipBlankLines: false, skipComments: false }] }
      }
    ])
    assert.deepEqual(off, [])
  })

  it('has nowhere two blank lines in a row', () => {
    const files = ['src', 'cmd', 'test', 'scripts'].flatMap(filesUnder).map(read)
    const broken = files.filter(({ text }) => /\n[ \t]*\n[ \t]*\n/.test(text)).map(({ path }) => path)

    assert.deepEqual(broken, [])
  })

  it('names every implementation folder beneath a seam that has contracts', () => {
    assert.ok(contracts.every(seam => filesUnder(`src/${seam}`).some(path => roomOf(path) === 'contract')))
  })
})
