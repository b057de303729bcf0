import { messageOf } from '../base/errors.ts'

/**
 * Why libp2p did not start, in one line: the addresses that could not be listened on and the reason of each. libp2p's own text has stack
 * traces and advises settings of the library. Other errors keep their message.
 */
export function listenFailure (err: unknown): string {
  const message = messageOf(err)
  const failed = [...message.matchAll(/^ {2}(\/\S+): (?:\w*Error: )?(.+)$/gm)].map(([, address, reason]) => `${address} (${reason})`)
  return failed.length === 0 ? message : failed.join(', ')
}
