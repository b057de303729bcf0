import { join } from 'node:path'
import { silentLogger } from '../../src/base/log.ts'
import { isEmptyFolder, loadFolder, statePath } from '../../src/node/folder/folder.ts'
import { lockFolder } from '../../src/node/folder/lock.ts'
import { jsonValues } from '../../src/state/json-values.ts'
import { openState } from '../../src/state/stopped-state.ts'
import { doing } from '../helia-cluster-service/terminal.ts'
import { apiAddresses } from './followed-cluster.ts'
import type { FollowedCluster } from './followed-cluster.ts'
import type { FollowDeps } from './deps.ts'

/** Prints a line for each pin: its status here, out of the running follower; `offline` and what the disk has when none runs. */
export async function printList (followed: FollowedCluster, deps: FollowDeps): Promise<void> {
  const client = deps.client(apiAddresses(followed, deps.terminal.variables))
  const id = await client.id().catch(() => undefined)
  if (id == null) return printOffline(followed, deps)
  await doing('listing the pinset', async () => {
    for await (const { cid, name, peer_map: peers } of client.statuses({ local: true })) {
      const own = peers[id.id]
      deps.terminal.out(line(own?.status ?? 'undefined', { cid, name }, own?.error ?? ''))
    }
  })
}

async function printOffline (followed: FollowedCluster, deps: FollowDeps): Promise<void> {
  const lock = await doing('obtaining execution lock', () => lockFolder(followed.folder))
  try {
    const state = await stateOf(followed, deps)
    if (await isEmptyFolder(state)) return
    await doing('listing the pinset', async () => printState(state, deps))
  } finally {
    lock.release()
  }
}

async function printState (state: string, { terminal }: FollowDeps): Promise<void> {
  const opened = await openState(state, { log: silentLogger })
  try {
    for await (const values of jsonValues(opened.lines())) {
      terminal.out(values.map(({ value }) => line('offline', value as { cid: string, name: string })).join(''))
    }
  } finally {
    await opened.close()
  }
}

/** A source that can't be fetched now doesn't keep the pinset from being listed. */
async function stateOf ({ folder }: FollowedCluster, { terminal, fetch }: FollowDeps): Promise<string> {
  const loaded = await loadFolder(folder, { variables: terminal.variables, fetch }).catch(() => undefined)
  return loaded == null ? join(folder, 'state') : statePath(folder, loaded.config)
}

const line = (status: string, { cid, name }: { cid: string, name: string }, error = ''): string =>
  `${status.padEnd(20)} ${cid} ${name}${error === '' ? '' : ` (${error})`}\n`
