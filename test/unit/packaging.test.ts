import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { MetricSources } from '../../src/observe/observer.ts'
import { PeerMetrics } from '../../src/observe/peer-metrics.ts'

const text = (path: string): string => readFileSync(path, 'utf8')
const found = (pattern: RegExp, ...paths: string[]): string[] => [...new Set(paths.flatMap(path => text(path).match(pattern) ?? []))]

/** Names as Prometheus stores them: histograms have three each. */
function knownMetrics (): Set<string> {
  const metrics = new PeerMetrics({ version: '' })
  metrics.watch({ service: () => undefined } as unknown as MetricSources)
  const names = metrics.registry.getMetricsAsArray().map(({ name }) => name)
  return new Set([...names, ...names.flatMap(name => ['_bucket', '_sum', '_count'].map(suffix => name + suffix))])
}

/** States of `helia_cluster_operations`, under Go's names; and runs that went well, which are of no use without those that failed. */
const notDrawn = ['ipfscluster_pins_pin_queued', 'ipfscluster_pins_pinning', 'helia_cluster_worker_runs_total']

describe('files for operators', () => {
  it('ask for metrics that exist', () => {
    const asked = found(
      /\b(?:ipfscluster|helia_cluster|nodejs|process)_[a-z0-9_]*[a-z0-9]\b(?!\*)/g, 'packaging/grafana/dashboard.json',
      'docs/operations/metrics.md', 'docs/operations/troubleshooting.md'
    )
    const known = knownMetrics()

    assert.ok(asked.length > 25)
    assert.deepEqual(asked.filter(name => !known.has(name)), [])
  })

  it('draw every metric of ours and of Go\'s on the dashboard, but for those that say what others say', () => {
    const dashboard = text('packaging/grafana/dashboard.json')
    const metrics = new PeerMetrics({ version: '' })
    metrics.watch({ service: () => undefined } as unknown as MetricSources)
    const names = metrics.registry.getMetricsAsArray().map(({ name }) => name).filter(name => /^(helia_cluster|ipfscluster)_/.test(name))
    const isDrawn = (name: string): boolean => new RegExp(`\\b${name}(_bucket)?\\b`).test(dashboard)

    assert.ok(names.length > 40)
    assert.deepEqual(names.filter(name => !isDrawn(name)).toSorted(), notDrawn.toSorted())
  })

  it('open the gateway and the port of the IPFS node', () => {
    assert.match(text('packaging/Dockerfile'), /^EXPOSE .*\b4001 8080\b/m)
    for (const path of ['packaging/compose/compose.yaml', 'packaging/kubernetes/helia-cluster.yaml']) {
      assert.match(text(path), /CLUSTER_GATEWAY_LISTENMULTIADDRESS\W+(?:value: )?\/ip4\/0\.0\.0\.0\/tcp\/8080/)
      assert.match(text(path), /\b4001\b/)
      assert.match(text(path), /\b8080\b.*\b4001\b|containerPort: 8080/)
    }
  })

  it('set variables that exist', () => {
    const used = found(
      /\bCLUSTER_[A-Z0-9_]+/g, 'packaging/compose/compose.yaml', 'packaging/kubernetes/helia-cluster.yaml', 'docs/operations/install.md',
      'docs/operations/metrics.md'
    )
    const known = new Set(found(/\bCLUSTER_[A-Z0-9_]+/g, 'docs/reference/config.md', 'test/vectors/config/env-vars.json'))

    assert.ok(used.length >= 6)
    assert.deepEqual(used.filter(name => name !== 'CLUSTER_' && !known.has(name)), [])
  })

  it('are linked from the map of the documentation', () => {
    const map = text('docs/README.md')

    assert.deepEqual(
      [
        'install', 'metrics', 'security', 'web-pages', 'denylists', 'troubleshooting', 'upgrade'
      ].filter(name => !map.includes(`operations/${name}.md`)),
      []
    )
  })

  it('give a dashboard whose panels are told apart and fit side by side', () => {
    const { panels } = JSON.parse(text('packaging/grafana/dashboard.json')) as {
      panels: Array<{ id: number, title: string, gridPos: { x: number, w: number } }>
    }

    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
    assert.equal(new Set(panels.map(({ title }) => title)).size, panels.length)
    assert.ok(panels.every(({ gridPos: { x, w } }) => x + w <= 24))
  })
})

describe('bundles', () => {
  it('load no CommonJS package by import(), which has no names there', () => {
    // these are no part of the bundles
    const outside = /^(node:|\.|@opentelemetry\/)/
    const asked = globSync(['src/**/*.ts', 'cmd/**/*.ts']).flatMap(
      path => [...text(path).matchAll(/\bimport\('([^']+)'\)/g)].map(([, name = '']) => name)
    ).filter(name => !outside.test(name))
    const packages = [...new Set(asked.map(name => /^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? ''))]
    const isModule = (name: string): boolean => {
      const { type, exports } = JSON.parse(text(`node_modules/${name}/package.json`)) as { type?: string, exports?: {
        '.'?: { import?: unknown }
      } }
      return type === 'module' || exports?.['.']?.import != null
    }

    assert.ok(packages.length > 15)
    assert.deepEqual(packages.filter(name => !isModule(name)), [])
  })
})
