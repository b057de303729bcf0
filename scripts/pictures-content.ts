/** Example content for the pictures: what a small team might have after a month. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Web, WebUser } from '../test/support/browser.ts'
import { peerProcess } from '../test/support/peer-process.ts'
import type { PeerProcess } from '../test/support/peer-process.ts'
import { pollUntil } from '../test/support/poll.ts'

const dayMs = 86_400_000
/** Always the same, so that pictures change only when pages do. */
const noise = (seed: number): number => Math.abs(Math.sin(seed * 12.9898) * 43_758.5453) % 1

/** So that peers hold different pins. */
export const twoCopies = { replication_factor_min: 2, replication_factor_max: 2 }

/** More peers of the same cluster. */
export async function examplePeers (first: PeerProcess, names: readonly string[]): Promise<PeerProcess[]> {
  const { cluster: { secret } } = JSON.parse(await readFile(join(first.folder, 'service.json'), 'utf8')) as { cluster: { secret: string } }
  const { addresses } = await (await fetch(`${first.url}/id`)).json() as { addresses: string[] }
  const at = addresses.find(address => address.startsWith('/ip4/127.0.0.1/')) ?? ''
  const started: PeerProcess[] = []
  for (const peername of names) {
    const peer = await peerProcess(json => {
      Object.assign(json.cluster, { ...twoCopies, secret, peername })
    })
    started.push(peer)
    await peer.start(['--bootstrap', at])
  }
  await pollUntil(async () => (await (await fetch(`${first.url}/peers`)).text()).trim().split('\n').length === names.length + 1, { withinMs: 60_000, what: 'the other peers' })
  return started
}

const files: ReadonlyArray<readonly [name: string, type: string, bytes: number, pin: 'now' | 'on-access', group?: string]> = [
  ['holiday-in-lisbon.mp4', 'video/mp4', 18_874_368, 'now', 'Family'],
  ['holiday-041.jpg', 'image/jpeg', 3_145_728, 'now', 'Family'],
  ['holiday-042.jpg', 'image/jpeg', 2_936_012, 'now', 'Family'],
  ['quarterly-report-2026-03.pdf', 'application/pdf', 1_258_291, 'now', 'Office'],
  ['interview-with-the-founder.mp3', 'audio/mpeg', 9_437_184, 'on-access'],
  ['measurements-station-7.csv', 'text/csv', 734_003, 'now', 'Research'],
  ['measurements-station-8.csv', 'text/csv', 812_117, 'now', 'Research'],
  ['backup-2026-03-14.tar.gz', 'application/gzip', 12_582_912, 'on-access', 'Office'],
  ['logo-final-v7.svg', 'image/svg+xml', 18_432, 'now', 'Office'],
  ['letter-to-grandma.txt', 'text/plain', 4_096, 'now', 'Family']
]

export async function exampleService (web: Web, admin: WebUser): Promise<{ send: string }> {
  const groups = new Map<string, string>()
  for (const name of ['Family', 'Office', 'Research']) groups.set(name, (await admin.client.groups.create(name)).id)
  for (const [at, [name, type, bytes, pin, group]] of files.entries()) {
    const content = new Blob([Buffer.alloc(bytes, at + 1)], { type })
    await admin.client.files.upload({ path: name, content }, { pin, ...(group == null ? {} : { group: groups.get(group) ?? '' }) })
  }
  // nobody has it: this one waits
  await admin.client.files.fromCid({ cid: 'bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi', name: 'film-from-a-friend.mkv' })
  await exampleKeys(admin)
  for (const email of ['ben@studio.example', 'carla@example.org', 'dev-team@example.com']) await web.user({ email })
  await history(web, admin)
  await admin.client.links.create({ name: 'Quarterly report from the accountant', content_types: ['application/pdf'] })
  await admin.client.links.create({ name: 'Pictures of the party', max_uses: 20, content_types: ['image/*', 'video/*', 'audio/*'], expires_in: 7 * 86_400, group: groups.get('Family') ?? '' })
  const { page_url: page } = await admin.client.links.create({ name: 'Pictures for the anniversary book', max_uses: 5, content_types: ['image/*'], max_bytes: 20 * 2 ** 20, expires_in: 7 * 86_400 })
  const { pathname, hash } = new URL(page)
  return { send: pathname + hash }
}

async function exampleKeys ({ client: { account } }: WebUser): Promise<void> {
  await account.createKey({ name: 'Backup of the office server', permissions: ['files:read', 'files:write'], expires_at: new Date(Date.now() + 90 * dayMs).toISOString() })
  await account.createKey({ name: 'CI of the website', permissions: ['files:write'], max_uses: 500 })
  await account.createKey({ name: 'Kubo on my laptop', permissions: ['pins:read', 'pins:write'] })
}

/** A month that nobody waits for: rows as the service would have written them. */
async function history (web: Web, { email }: WebUser): Promise<void> {
  const db = new DatabaseSync(join(web.peer.folder, 'service/service.sqlite'))
  try {
    db.exec('PRAGMA busy_timeout = 5000')
    const { id } = db.prepare('SELECT id FROM users WHERE email = ?').get(email) as { id: string }
    db.prepare("UPDATE api_keys SET name = 'Telephone' WHERE name = 'test'").run()
    const cids = db.prepare('SELECT cid FROM files WHERE user_id = ? LIMIT 4').all(id) as Array<{ cid: string }>
    const day = db.prepare('INSERT OR REPLACE INTO usage_days (user_id, day, bytes_stored, bytes_served, requests) VALUES (?, ?, ?, ?, ?)')
    const view = db.prepare('INSERT OR REPLACE INTO views (user_id, cid, day, views) VALUES (?, ?, ?, ?)')
    for (let back = 30; back > 0; back--) {
      const text = new Date(Date.now() - back * dayMs).toISOString().slice(0, 10)
      day.run(id, text, Math.round(2e6 + (30 - back) * 1.6e6 + noise(back) * 1e6), Math.round((0.3 + noise(back + 50)) * 9e7), Math.round(60 + noise(back + 99) * 300))
      for (const [at, { cid }] of cids.entries()) view.run(id, cid, text, Math.round(noise(back * 7 + at) * 40))
    }
    for (const [at, { cid }] of cids.entries()) db.prepare('UPDATE files SET view_count = ?, last_accessed_at = ? WHERE user_id = ? AND cid = ?').run(140 + 310 * at, Date.now() - at * 7_200_000, id, cid)
  } finally {
    db.close()
  }
}
