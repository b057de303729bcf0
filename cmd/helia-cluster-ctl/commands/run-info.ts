import type { CommandLine } from '../usage/command.ts'
import type { CtlContext } from '../context.ts'
import { doing, exitCodes, CommandFailed } from '../failure.ts'
import { bandwidthFormat, readinessFormat, idFormat, metricFormat, nameFormat, repoGcFormat, versionFormat } from '../print/formats.ts'

/** `id`: the peer that is asked. */
export async function showId (_line: CommandLine, { client, printer, signal }: CtlContext): Promise<number> {
  printer.one(await client.id({ signal }), idFormat)
  return exitCodes.done
}

/** `version`: that of the peer, not of this program. */
export async function showVersion (_line: CommandLine, { client, printer, signal }: CtlContext): Promise<number> {
  printer.one(await client.version({ signal }), versionFormat)
  return exitCodes.done
}

/** `peers ls`. */
export async function listPeers (_line: CommandLine, { client, printer, signal }: CtlContext): Promise<number> {
  // scripts and Go's program see the members only
  await printer.each(client.peers({ missing: printer.encoding === 'table', signal }), idFormat)
  return exitCodes.done
}

/** `peers rm PEER`. */
export async function removePeer ({ args: [text = ''] }: CommandLine, { client, signal }: CtlContext): Promise<number> {
  await client.removePeer(await peerArgument(text), { signal })
  return exitCodes.done
}

/** `health graph`. */
export async function showGraph ({ flags }: CommandLine, { client, terminal, signal }: CtlContext): Promise<number> {
  const { graphText } = await import('../print/graph.ts')
  const text = graphText(await client.connectGraph({ signal }), { allIpfsPeers: flags.yes('all-ipfs-peers') })
  const file = flags.text('file')
  if (file === '') terminal.out(text)
  else {
    const { writeFile } = await import('node:fs/promises')
    await doing('creating output file', async () => writeFile(file, text))
  }
  return exitCodes.done
}

/** `health metrics [NAME]`: the last values of one, or the names that there are. */
export async function showMetrics ({ args: [name = ''] }: CommandLine, { client, printer, clock, signal }: CtlContext): Promise<number> {
  if (name === '') await printer.all(await client.metricNames({ signal }), nameFormat)
  else await printer.all(await client.metrics(name, { signal }), metricFormat(clock.now()))
  return exitCodes.done
}

/** `health ready`; exits with 1 when the peer isn't ready, for scripts. */
export async function showReadiness (_line: CommandLine, { client, printer, signal }: CtlContext): Promise<number> {
  const readiness = await client.readiness({ signal })
  printer.one(readiness, readinessFormat)
  return readiness.ready ? exitCodes.done : exitCodes.failed
}

/** `health bandwidth`. */
export async function showBandwidth (_line: CommandLine, { client, printer, signal }: CtlContext): Promise<number> {
  printer.one(await client.bandwidth({ signal }), bandwidthFormat)
  return exitCodes.done
}

/** `ipfs gc`. */
export async function collectGarbage ({ flags }: CommandLine, { client, printer, signal }: CtlContext): Promise<number> {
  const collected = await client.collectGarbage({ local: flags.yes('local'), signal })
  if (printer.encoding === 'table') await printer.all([collected], repoGcFormat)
  else printer.one(collected, repoGcFormat)
  return exitCodes.done
}

/** A peer ID in its usual form. Throws CommandFailed with Go's text. */
async function peerArgument (text: string): Promise<string> {
  const { normalPeerId } = await import('../../../src/config/peer-id-text.ts')
  const peer = normalPeerId(text)
  if (peer == null) throw new CommandFailed(`error parsing peer ID: failed to parse peer ID: ${await whyNoPeerId(text)}`)
  return peer
}

/** What a CID parser says of it: peer IDs may be CIDs. */
async function whyNoPeerId (text: string): Promise<string> {
  const { cidText } = await import('../cid-text.ts')
  try {
    cidText(text)
    return 'not a CID of a libp2p key'
  } catch (err) {
    return (err as Error).message
  }
}
