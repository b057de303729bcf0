import { defaultServiceJson } from './default-json.ts'

/**
 * The text of service.json.example: what `init` writes, with a secret that doesn't load until it is replaced, so that nobody runs a cluster
 * with a secret that everybody knows.
 */
export function exampleServiceJson (): string {
  const file = defaultServiceJson({
    profile: 'public', variables: { CLUSTER_PEERNAME: 'example-peer', CLUSTER_SECRET: '64 hexadecimal digits: openssl rand -hex 32' }
  })
  return `${JSON.stringify(file, null, 2)}\n`
}
