import type { AddParams } from '../../model/add.ts'
import { defaultPinOptions } from '../../model/pin.ts'
import type { UploadFormat } from './uploads.ts'

/**
 * How the service makes DAGs, always the same way, so that the CID of what is staged is the one that its import makes. Single chunks have
 * raw CIDs, larger files dag-pb ones with raw leaves. `ClusterApi.add` doesn't pin it: it keeps the blocks for whoever asks the outbox for
 * the pin.
 */
export function addParams (format: UploadFormat): AddParams {
  return {
    pin: defaultPinOptions(),
    layout: '',
    chunker: 'size-262144',
    rawLeaves: true,
    cidVersion: 1,
    hash: 'sha2-256',
    noCopy: false,
    format: format === 'car' ? 'car' : 'unixfs',
    wrap: format === 'directory' ? 'unless-one-directory' : false,
    shard: false,
    progress: false,
    streamChannels: true,
    local: false,
    noPin: true,
    awaitsPin: true,
    needsRoot: true
  }
}
