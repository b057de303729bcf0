import { deadline } from '../../../src/base/clock.ts'
import { ClusterError, isClusterError } from '../../../src/base/errors.ts'
import type { GlobalPinInfo } from '../../../src/client/types.ts'
import { waitForStatus } from '../../../src/client/wait.ts'
import type { CtlContext } from '../context.ts'
import { CommandFailed, exitCodes, failed } from '../failure.ts'
import { StatusLine } from '../print/status-line.ts'

/** What `--wait` waits for. `limit`: so many peers, 0 for all. */
export interface Wait {
  target: 'pinned' | 'unpinned'
  limit: number
  /** Up to a second: for ever, as in Go. */
  timeoutMs: number
}

const shortestTimeoutMs = 1000

/** Waits until a pin stands as wanted, with a line on the terminal meanwhile. Throws CommandFailed (62 when the time is up). */
export async function waitFor (
  cid: string, { target, limit, timeoutMs }: Wait, { client, clock, terminal, signal }: CtlContext
): Promise<GlobalPinInfo> {
  const line = new StatusLine(terminal)
  const late = deadline(
    clock, timeoutMs > shortestTimeoutMs ? timeoutMs : 2 ** 52,
    () => new ClusterError('TIMEOUT', {}, { message: 'context deadline exceeded' }), signal
  )
  try {
    return await waitForStatus(
      cid, { target, limit, signal: late.signal, onStatus: status => line.show(waitText(status, target)) }, { client, clock }
    )
  } catch (err) {
    if (signal.aborted) throw err
    if (isClusterError(late.signal.reason, 'TIMEOUT')) {
      throw new CommandFailed('error waiting for pin status: context deadline exceeded', { exitCode: exitCodes.timedOut })
    }
    throw failed('waiting for pin status', err)
  } finally {
    late.clear()
    line.clear()
  }
}

/** "waiting: 2 of 3 peers pinned (1 pinning)" */
function waitText ({ peer_map: peers }: GlobalPinInfo, target: string): string {
  const statuses = Object.values(peers).map(({ status }) => status)
  const counts = new Map<string, number>()
  for (const status of statuses) if (status !== target) counts.set(status, (counts.get(status) ?? 0) + 1)
  const others = [...counts].map(([status, count]) => `${count} ${status}`).join(', ')
  return `waiting: ${statuses.filter(status => status === target).length} of ${statuses.length} peers ${target}${others === '' ? '' : ` (${others})`}`
}
