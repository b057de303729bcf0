import { startHelia } from '../support/helia.ts'
import { ipfsContract } from './ipfs.ts'

ipfsContract('embedded Helia', async options => startHelia(options))
