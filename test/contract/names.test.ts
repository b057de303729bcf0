import { describe } from 'node:test'
import { ClusterError } from '../../src/base/errors.ts'
import { ipnsCid, ipnsKeyText } from '../../src/model/ipns-name.ts'
import { fakeKubo } from '../support/fake-kubo.ts'
import { connectorTo, kuboProgram, startKubo } from '../support/kubo.ts'
import { memoryNames } from '../support/memory-names.ts'
import { makeNames } from '../support/names.ts'
import { SimClock } from '../support/sim-clock.ts'
import { namesContract } from './names.ts'

namesContract('embedded node', async ({ key, record, domains }) => {
  const { names } = makeNames({}, {
    clock: new SimClock(),
    txt: async name => ({
      texts: Object.entries(domains).filter(([domain]) => name === `_dnslink.${domain}`).map(([, target]) => `dnslink=${target}`),
      ttlSeconds: 60
    })
  })
  await names.putRecord(key, record, { allowOffline: true })
  return { names, close: async () => {} }
})

namesContract('in memory', async ({ key, record, domains }) => {
  const names = memoryNames(domains)
  for (const form of [key, ipnsKeyText(key), ipnsCid(key).toString()]) {
    names.targets.set(form, { value: '/ipfs/bafkqaaa', ttlSeconds: 300 })
    names.records.set(form, { bytes: record, ttlSeconds: 300, validUntil: Date.UTC(2083, 11, 13, 4, 10, 52, 165) })
  }
  names.targets.set('a..b', new ClusterError('INVALID_ARGUMENT'))
  names.records.set('a.example', new ClusterError('INVALID_ARGUMENT'))
  return { names, close: async () => {} }
})

const answer = (value: unknown, status = 200): { status: number, body: string } => ({ status, body: JSON.stringify(value) })
const failure = (Message: string): { status: number, body: string } => answer({ Message, Code: 0, Type: 'error' }, 500)

namesContract('external Kubo that is not there', async ({ key, record, domains }) => {
  const kubo = await fakeKubo(call => {
    const name = decodeURIComponent(/arg=%2Fipns%2F([^&]*)/.exec(call)?.[1] ?? '')
    if (call.startsWith('routing/get')) {
      return name === ipnsKeyText(key)
        ? answer({ ID: '', Type: 5, Responses: null, Extra: Buffer.from(record).toString('base64') })
        : failure('routing: not found')
    }
    if (name.includes('..')) return failure(`cannot resolve: "/ipns/${name}"`)
    return domains[name] == null
      ? failure(
        `DNSLink lookup for "${name}." failed: could not resolve name: DNSLink lookup could not find a TXT record (https://docs.ipfs.tech/concepts/dnslink/)`
      )
      : answer({ Path: domains[name] })
  })
  const connector = connectorTo(kubo.api)
  return { names: connector.names, close: async () => { await connector.stop(); await kubo.close() } }
})

describe('with a real Kubo', { skip: kuboProgram == null ? 'there is no Kubo: no `ipfs` on the path or in $GO_BIN' : false }, () => {
  if (kuboProgram == null) return
  const program = kuboProgram
  namesContract('external Kubo', async ({ key, record }) => {
    const kubo = await startKubo(program, [['Routing', '{"Type":"dhtserver"}']])
    const form = new FormData()
    form.set('file', new Blob([Uint8Array.from(record)]))
    await (
      await fetch(`${kubo.url}/api/v0/routing/put?arg=/ipns/${ipnsKeyText(key)}&allow-offline=true`, { method: 'POST', body: form })
    ).text()
    const connector = connectorTo(kubo.api, {})
    return { names: connector.names, close: async () => { await connector.stop(); await kubo.close() } }
  }, { looksUpDomains: false })
})
