import { after, before, describe, it } from 'node:test'
import { connectorTo, kuboProgram, startKubo, type RunningKubo } from '../support/kubo.ts'
import { ipfsContract } from './ipfs.ts'

if (kuboProgram == null) it('ipfs contract: external Kubo', { skip: 'there is no Kubo: no `ipfs` on the path or in $GO_BIN' }, () => {})
else externalKubo(kuboProgram)

function externalKubo (program: string): void {
  describe('with a real Kubo', () => {
    let kubo: RunningKubo

    before(async () => { kubo = await startKubo(program) })
    after(async () => { await kubo.close() })

    ipfsContract('external Kubo', async ({ storageMaxBytes, ...options }) => {
      await kubo.empty(storageMaxBytes)
      const connector = connectorTo(kubo.api, options)
      await connector.start(new AbortController().signal)
      return { connector, passTime: () => {}, close: async () => connector.stop() }
    }, { keepsBlocks: false, limitsStorage: false, tellsProgress: false, isOwn: false })
  })
}
