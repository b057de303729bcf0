import { CommandFailed } from './failure.ts'

/** A peer ID in its usual form. Throws CommandFailed with Go's text. */
export async function peerArgument (text: string): Promise<string> {
  const { normalPeerId } = await import('../../src/config/peer-id-text.ts')
  const peer = normalPeerId(text)
  if (peer == null) throw new CommandFailed(`error parsing peer ID: failed to parse peer ID: ${await whyNoPeerId(text)}`)
  return peer
}

/** What a CID parser says of it: peer IDs may be CIDs. */
async function whyNoPeerId (text: string): Promise<string> {
  const { cidText } = await import('./cid-text.ts')
  try {
    cidText(text)
    return 'not a CID of a libp2p key'
  } catch (err) {
    return (err as Error).message
  }
}
