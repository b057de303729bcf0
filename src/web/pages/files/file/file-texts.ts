import type { FileState, PinningInfo } from '../../../../client/service/types.ts'

const stateTexts: Readonly<Record<FileState, string>> = {
  staged: 'Stored, not pinned yet', importing: 'Importing', pinning: 'Pinning', pinned: 'Pinned', unpinned: 'Unpinned', failed: 'Failed'
}
/** A state in one word or two. */
export const fileStateText = (state: FileState): string => stateTexts[state]

const explanations: Readonly<Record<FileState, string>> = {
  staged: 'It is stored, and will be pinned when somebody first opens it.',
  importing: 'Its blocks are being made.',
  pinning: 'The cluster is fetching it, or spreading it over its peers.',
  pinned: 'It is on as many peers as the cluster keeps.',
  unpinned: 'It is not kept any more: its content can go at any time.',
  failed: 'The cluster could not pin it. It tries again by itself.'
}
/** What a state means, in a sentence. */
export const stateExplanation = (state: FileState): string => explanations[state]

/** "3 blocks, 1234 bytes" of the service as numbers. */
export function progressOf ({ progress = '' }: PinningInfo): { blocks: number, bytes: number } | null {
  const [, blocks, bytes] = /^(\d+) blocks?, (\d+) bytes?$/.exec(progress) ?? []
  return blocks == null ? null : { blocks: Number(blocks), bytes: Number(bytes) }
}

/** "2 of 3" as numbers. */
export function replicasOf ({ replicas = '' }: PinningInfo): { held: number, wanted: number } | null {
  const [, held, wanted] = /^(\d+) of (\d+)$/.exec(replicas) ?? []
  return held == null ? null : { held: Number(held), wanted: Number(wanted) }
}
