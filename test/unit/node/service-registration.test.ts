import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { newFindings, readSection } from '../../../src/config/reader.ts'
import { serviceSection } from '../../../src/config/sections/service.ts'
import type { ServiceApiConfig } from '../../../src/config/sections/service.ts'
import { registrationOf } from '../../../src/node/service/service-registration.ts'

function section (given: Record<string, unknown>): ServiceApiConfig {
  const findings = newFindings()
  const values = readSection(serviceSection as any, given, { variables: {}, findings }) // any: one table among many
  assert.deepEqual([findings.problems, findings.unknownKeys], [[], []])
  return values as unknown as ServiceApiConfig
}

const everywhere = { http_listen_multiaddress: '/ip4/0.0.0.0/tcp/9099' }

describe('who can sign up when nothing is said', () => {
  for (const address of [
    '/ip4/127.0.0.1/tcp/1', '/ip4/127.9.9.9/tcp/1', '/ip6/::1/tcp/1', '/unix/run/service.sock', '/dns4/localhost/tcp/1'
  ]) {
    it(`is everybody at ${address}`, () => assert.equal(registrationOf(section({ http_listen_multiaddress: address })), 'open'))
  }

  it('is whoever proves an address, where others reach the service and mail can be sent', () => {
    assert.equal(registrationOf(section({ ...everywhere, mail: { log: true } })), 'verified')
    assert.equal(registrationOf(section({ ...everywhere, mail: { smtp_url: 'smtp://127.0.0.1' } })), 'verified')
    assert.equal(registrationOf(section({ public_url: 'https://pins.example', mail: { log: true } })), 'verified')
    assert.equal(registrationOf(section({ trusted_proxies: ['127.0.0.1'], mail: { log: true } })), 'verified')
  })

  it('is nobody where others reach the service and no code can be sent', () => assert.equal(registrationOf(section(everywhere)), 'closed'))
  it('is who the operator says', () => assert.equal(registrationOf(section({ ...everywhere, registration: 'open' })), 'open'))
})

describe('the section api.service', () => {
  const problems = (given: Record<string, unknown>): string => {
    const findings = newFindings()
    readSection(serviceSection as any, given, { variables: {}, findings }) // any: as above
    return findings.problems.join('\n')
  }

  it('needs nothing', () => assert.equal(section({}).quotaBytes, 2 ** 30))
  it('takes sizes as people write them', () => assert.equal(section({ quota_bytes: '2GiB' }).quotaBytes, 2 ** 31))
  it(
    'takes limits as a number in a time',
    () => assert.deepEqual(
      section({ rate_limits: { login: '5/30s', code: '' } }).rateLimits,
      { ...section({}).rateLimits, login: { count: 5, perMs: 30_000 }, code: null }
    )
  )

  for (const [about, given] of [
    ['a rate without a time', { rate_limits: { login: '5' } }],
    ['a rate of nothing', { rate_limits: { login: '0/1m' } }],
    ['an admin that is no address', { admins: ['root'] }],
    ['a bucket without its server', { staging: { s3: { bucket: 'b' } } }],
    ['a URL with a query', { public_url: 'https://a/?b' }],
    ['a URL of another kind', { public_url: 'ftp://a' }],
    ['half of a certificate', { ssl_cert_file: 'a' }],
    ['a mode that there is not', { registration: 'sometimes' }]
  ] as const) {
    it(`refuses ${about}`, () => assert.notEqual(problems(given), ''))
  }

  it('never shows its secrets', () => {
    const text = JSON.stringify(section({
      database: { url: 'postgres://u:hidden1@h/d' }, mail: { smtp_url: 'smtp://u:hidden2@h' },
      staging: { s3: { endpoint: 'http://h', bucket: 'b', secret_key: 'hidden3' } }
    }))

    assert.doesNotMatch(text, /hidden\d/)
    assert.doesNotMatch(problems({ database: { url: ['hidden4'] } }), /hidden4/)
  })
})
