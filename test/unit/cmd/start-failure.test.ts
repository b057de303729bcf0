import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startFailure } from '../../../cmd/helia-cluster-service/start-failure.ts'
import { ClusterError } from '../../../src/base/errors.ts'
import { defaultServiceJson } from '../../../src/config/default-json.ts'
import { readServiceConfig } from '../../../src/config/service-json.ts'

const { config } = readServiceConfig(
  defaultServiceJson({ profile: 'test', variables: { CLUSTER_SECRET: 'ab'.repeat(32) } }), { variables: {}, hostName: 'host' }
)

describe('why a peer does not start', () => {
  for (const [port, key] of [[
    9094, 'api.restapi.http_listen_multiaddress'
  ], [9095, 'api.ipfsproxy.listen_multiaddress'], [9096, 'cluster.listen_multiaddress'], [9097, 'api.pinsvcapi.http_listen_multiaddress'],
    [8080, 'api.gateway.listen_multiaddress'], [4001, 'ipfs_connector.helia.listen_multiaddress']] as const) {
    it(`names ${key} when its port is taken, and the way out`, () => {
      const address = `/ip4/127.0.0.1/tcp/${port}`
      for (const text of [
        `it can't listen on ${address}: listen EADDRINUSE: address already in use 127.0.0.1:${port}`,
        `it can't listen: ${address} (listen EADDRINUSE: address already in use 127.0.0.1:${port})`
      ]) {
        const told = startFailure(new ClusterError('INVALID_CONFIG', {}, { message: text }), config)

        assert.equal(
          told,
          `${text}: another program has this port: stop it, or change ${key} in service.json (init --randomports makes a configuration with free ports)`
        )
      }
    })
  }

  it('keeps other reasons as they are', () => {
    assert.equal(startFailure(new Error('no space left on device'), config), 'no space left on device')
  })

  it('does without the key when the address stands nowhere', () => {
    assert.match(
      startFailure(new Error("x can't listen on /ip4/127.0.0.1/tcp/1: listen EACCES: permission denied"), config),
      /change the address in service\.json$/
    )
  })
})
