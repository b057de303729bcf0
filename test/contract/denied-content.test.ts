import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../src/base/system.ts'
import { refusingIpfs } from '../../src/node/refusing-ipfs.ts'
import { FakeIpfs } from '../support/fake-ipfs.ts'
import { startHelia } from '../support/helia.ts'
import { connectorTo, kuboProgram, startKubo } from '../support/kubo.ts'
import type { RunningKubo } from '../support/kubo.ts'
import { deniedContentContract } from './denied-content.ts'

deniedContentContract('embedded Helia', async denylist => {
  const { connector, close } = await startHelia({}, { denylist })
  return { connector: refusingIpfs(connector, denylist), close }
})

deniedContentContract('fake', async denylist => {
  const connector = new FakeIpfs({ elsewhere: 'nothing' }, { clock: systemClock })
  return { connector: refusingIpfs(connector, denylist), close: async () => connector.stop() }
})

if (kuboProgram == null)
  it('denied content contract: external Kubo', { skip: 'there is no Kubo: no `ipfs` on the path or in $GO_BIN' }, () => {})
else externalKubo(kuboProgram)

function externalKubo (program: string): void {
  describe('with a real Kubo', () => {
    let kubo: RunningKubo

    before(async () => { kubo = await startKubo(program) })
    after(async () => { await kubo.close() })

    deniedContentContract('external Kubo', async denylist => {
      const connector = connectorTo(kubo.api, { pinTimeoutMs: 10_000, unpinDisable: false })
      await connector.start(new AbortController().signal)
      return { connector: refusingIpfs(connector, denylist), close: async () => connector.stop() }
    })
  })
}
