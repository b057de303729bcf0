import { parseDuration } from '../../../src/base/text/duration.ts'
import { normalPeerId } from '../../../src/config/peer-id-text.ts'
import { limitKeys, limitOf } from '../../../src/model/pin-limits.ts'
import { CommandFailed, doing } from '../failure.ts'
import type { FlagValues } from '../usage/flags.ts'

/** key=value pairs. Throws CommandFailed. */
export function metadataOf (pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(pairs.map(pair => {
    const at = pair.indexOf('=')
    if (at < 0) throw new CommandFailed('error parsing metadata: metadata were not in the format key=value')
    return [pair.slice(0, at), pair.slice(at + 1)]
  }))
}

/** --max-size and --max-blocks. Throws CommandFailed. */
export function contentLimits (flags: FlagValues): { maxSize?: string, maxBlocks?: number } {
  const [size, blocks] = [flags.text('max-size'), flags.text('max-blocks')]
  if (size !== '' && limitOf(limitKeys.maxBytes, size) == null) {
    throw new CommandFailed(`error parsing max-size: "${size}" is not a size above 0 such as 100MB`)
  }
  if (blocks !== '' && limitOf(limitKeys.maxBlocks, blocks) == null) {
    throw new CommandFailed(`error parsing max-blocks: "${blocks}" is not a number above 0`)
  }
  return { ...(size === '' ? {} : { maxSize: size }), ...(blocks === '' ? {} : { maxBlocks: Number(blocks) }) }
}

/** When --expire-in is over, as RFC 3339; undefined without it. `now` in Unix milliseconds. */
export async function expireAt (flags: FlagValues, now: number): Promise<Date | undefined> {
  const text = flags.text('expire-in')
  return text === '' ? undefined : new Date(now + await doing('parsing expire-in', () => parseDuration(text)))
}

/** The peers of --allocations; those that are no peer IDs are undefined. */
export const peersOf = (flags: FlagValues): Array<string | undefined> =>
  flags.text('allocations') === '' ? [] : flags.text('allocations').split(',').map(text => normalPeerId(text.trim()))
