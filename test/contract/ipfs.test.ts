import { FakeIpfs } from '../support/fake-ipfs.ts'
import { shiftedClock, startHelia } from '../support/helia.ts'
import { ipfsContract } from './ipfs.ts'

ipfsContract('embedded Helia', async options => startHelia(options))

ipfsContract('fake', async options => {
  const clock = shiftedClock()
  const connector = new FakeIpfs({ ...options, elsewhere: 'nothing' }, { clock })
  return { connector, passTime: clock.passTime, close: async () => connector.stop() }
})
