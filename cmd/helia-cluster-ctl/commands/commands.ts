import { benchFlags, benchHelp } from '../bench/flags.ts'
import type { Command } from '../usage/command.ts'
import type { Flag } from '../usage/flags.ts'

const trackerStatuses = [
  'cluster_error', 'error', 'pin_error', 'pin_queued', 'pinned', 'pinning', 'queued', 'remote', 'sharded', 'unexpectedly_unpinned',
  'unpin_error',
  'unpin_queued', 'unpinned', 'unpinning'
]

/** Ours; Go's peers refuse it. */
const underReplicated = 'under_replicated'

const statusHelp = [
  'Without a CID: of all pins. One line for each peer.',
  '',
  '  pinned                 it is here',
  '  remote                 other peers are to have it, and this one is not',
  '  pin_queued, pinning    it waits for its turn; it is being fetched',
  '  pin_error              it failed, and is tried again',
  '  unexpectedly_unpinned  it should be here, and is not',
  '  unpinned, unpin_…      it was unpinned here; unpin_queued, unpinning and unpin_error are on the way',
  '  sharded                the root of content in parts that are pinned one by one',
  '  cluster_error          the peer does not answer',
  '',
  'For --filter also: queued (pin_queued, unpin_queued), error (pin_error, unpin_error, cluster_error) and under_replicated (on fewer peers than it shall be; not of Go peers).'
].join('\n')

const local: Flag = { names: ['local'], type: 'boolean', about: 'only on the asked peer' }
const name: Flag = { names: ['name', 'n'], type: 'text', about: 'name of the pin' }
const factors: readonly Flag[] = [
  { names: ['replication-min', 'rmin'], type: 'integer', about: 'on how many peers it must be; -1: all, 0: the default', fallback: 0 },
  { names: ['replication-max', 'rmax'], type: 'integer', about: 'on how many peers it may be; -1: all, 0: the default', fallback: 0 }
]
const expireIn: Flag = { names: ['expire-in'], type: 'text', about: 'unpin after this time, such as 72h' }
const metadata: Flag = { names: ['metadata'], type: 'texts', about: 'key=value to keep with the pin; may be given several times' }
const contentLimits: readonly Flag[] = [
  { names: ['max-size'], type: 'text', about: 'fail when the content is more than this, such as 100MB (not by Go peers)' },
  { names: ['max-blocks'], type: 'integer', about: 'the same in blocks' }
]
const allocations: Flag = { names: ['allocations', 'allocs'], type: 'text', about: 'peer IDs to prefer, comma-separated' }
const waitTimeout: Flag = {
  names: ['wait-timeout', 'wt'], type: 'duration', about: 'how long to wait, such as 90s; 0s: for ever', fallback: '0s'
}
const waiting: readonly Flag[] = [
  { names: ['no-status', 'ns'], type: 'boolean', about: 'do not ask for the status afterwards' },
  { names: ['wait', 'w'], type: 'boolean', about: 'wait until it is done' },
  { names: ['wait-limit', 'wl'], type: 'integer', about: 'wait for this many peers only', fallback: 0 },
  waitTimeout
]

const limits: readonly Flag[] = [
  { names: ['max-pins-per-second'], type: 'text', about: 'how many moves begin each second; 0: no limit' },
  { names: ['max-bytes-per-second'], type: 'text', about: 'how much may come to the others each second, such as 20MB; 0: no limit' },
  { names: ['at-once'], type: 'integer', about: 'moves under way; default 32' }
]
const waitingForMoves: readonly Flag[] = [
  { names: ['wait', 'w'], type: 'boolean', about: 'wait until it is done' },
  waitTimeout
]

const addFlags: readonly Flag[] = [
  { names: ['recursive', 'r'], type: 'boolean', about: 'add directories with all they hold' },
  { names: ['quiet', 'q'], type: 'boolean', about: 'print CIDs only' },
  { names: ['quieter', 'Q'], type: 'boolean', about: 'print the last CID only' },
  { names: ['no-stream'], type: 'boolean', about: 'print when all is done; with --enc=json one array' },
  { names: ['local'], type: 'boolean', about: 'send the blocks to the asked peer only; others fetch them when they pin' },
  name,
  ...factors,
  expireIn,
  metadata,
  ...contentLimits,
  allocations,
  { names: ['no-pin'], type: 'boolean', about: 'add without pinning' },
  { names: ['wait'], type: 'boolean', about: 'wait until it is pinned' },
  waitTimeout,
  { names: ['wrap-with-directory', 'w'], type: 'boolean', about: 'put a directory around it' },
  { names: ['format'], type: 'text', about: 'unixfs, or car for a CAR file with one root', fallback: 'unixfs', choices: ['unixfs', 'car'] },
  { names: ['layout'], type: 'text', about: 'of the DAG: balanced or trickle', choices: ['balanced', 'trickle'] },
  { names: ['hidden', 'H'], type: 'boolean', about: 'include hidden files, with --recursive' },
  { names: ['chunker', 's'], type: 'text', about: 'size-<bytes>, rabin-<min>-<avg>-<max> or buzhash', fallback: 'size-262144' },
  { names: ['raw-leaves'], type: 'boolean', about: 'raw blocks as leaves' },
  { names: ['cid-version'], type: 'integer', about: 'of the CIDs; 1 implies --raw-leaves', fallback: 0, choices: ['0', '1'] },
  { names: ['hash'], type: 'text', about: 'hash function; others than sha2-256 imply --cid-version 1', fallback: 'sha2-256' },
  { names: ['nocopy'], type: 'boolean', about: 'refer to a URL instead of copying it; implies --raw-leaves' }
]

/** The commands in the order in which Go lists them. */
export const commands: readonly Command[] = [
  {
    name: 'id', about: 'show the asked peer', takes: ' ',
    run: async (line, context) => (await import('./run-info.ts')).showId(line, context)
  },
  {
    name: 'peers',
    about: 'list, drain and remove peers',
    commands: [
      {
        name: 'ls', about: 'list the peers of the cluster', takes: ' ',
        run: async (line, context) => (await import('./run-info.ts')).listPeers(line, context)
      },
      {
        name: 'rm',
        about: 'remove a peer',
        takes: '<peer ID>',
        help: 'Moves all pins of a dead peer elsewhere, and forgets it. Takes an ID (peers ls has them), no name. Go peers refuse it in CRDT clusters. To take out a peer that runs, drain it first: peers drain <peer ID>.',
        run: async (line, context) => (await import('./run-info.ts')).removePeer(line, context)
      },
      {
        name: 'drain',
        about: 'move everything away from a peer, so that it can be stopped',
        takes: '[peer ID or name]',
        isOurs: true,
        help: [
          'Gives each pin of the peer to another one, waits until that has it, and only then takes the peer out. It gets no new pins meanwhile and after. The asked peer does it, in the background and after a restart, too: ask the same peer again with --status, --cancel or other limits. Without a peer, --status lists the drains of the asked peer.',
          '',
          '  peers drain --wait <peer ID>                       and stop the peer when this returns',
          '  peers drain --max-bytes-per-second 20MB <peer ID>  leave room for others',
          '  peers drain --cancel <peer ID>                     it shall stay, or is back: it gets pins again',
          '',
          'Sizes are measured by how the repositories of those that take pins grow; what has begun goes on.'
        ].join('\n'),
        flags: [
          ...limits,
          { names: ['status'], type: 'boolean', about: 'only say how far it is' },
          { names: ['cancel'], type: 'boolean', about: 'end it; what has moved stays where it is' },
          ...waitingForMoves
        ],
        run: async (line, context) => (await import('./run-moving.ts')).drainPeer(line, context)
      }
    ]
  },
  {
    name: 'add',
    about: 'add files and directories, and pin them',
    takes: '<path or URL>...',
    help: [
      'Sends files to the peer, which builds the DAG, brings the blocks to the peers that are to hold it, and pins the root. Several arguments get a directory around them.',
      '',
      '  add -r --wait ./site               a folder, and wait until it is pinned',
      '  add --rmin 2 --rmax 3 photo.jpg    on two peers at least, on three if there are',
      '  add -Q --cid-version 1 photo.jpg   print nothing but its CID'
    ].join('\n'),
    flags: addFlags,
    completes: 'files',
    run: async (line, context) => (await import('./run-add.ts')).add(line, context)
  },
  {
    name: 'pin',
    about: 'pin, unpin, and list what is pinned',
    commands: [
      {
        name: 'add',
        about: 'pin a CID, or what a path leads to',
        takes: '<CID|path>',
        help: [
          'The pin is in the pinset when this returns; the content is fetched after that. --wait waits for it.',
          '',
          '  pin add --name docs --wait <CID>          and wait until all peers that are to have it do',
          '  pin add --rmin 2 --rmax 3 <CID>           on two peers at least, on three if there are',
          '  pin add /ipns/docs.example/guide          what the path leads to now'
        ].join('\n'),
        flags: [
          { names: ['replication', 'r'], type: 'integer', about: 'on how many peers; sets both factors', fallback: 0 },
          ...factors,
          allocations,
          name,
          {
            names: ['mode'], type: 'text', about: 'recursive: all of the DAG; direct: the one block', fallback: 'recursive',
            choices: ['recursive', 'direct']
          },
          expireIn,
          metadata,
          ...contentLimits,
          ...waiting
        ],
        run: async (line, context) => (await import('./run-pin.ts')).pinAdd(line, context)
      },
      {
        name: 'rm',
        about: 'unpin',
        takes: '<CID|path>',
        help: 'The pin is out of the pinset when this returns. Its blocks stay on the peers until the next garbage collection: ipfs gc.',
        flags: waiting,
        run: async (line, context) => (await import('./run-pin.ts')).pinRemove(line, context)
      },
      {
        name: 'update',
        about: 'pin a CID like another one',
        takes: '<existing CID> <new CID|path>',
        help: 'The new pin gets the options and the peers of the existing one, which stays pinned.',
        flags: [name, expireIn, ...waiting],
        run: async (line, context) => (await import('./run-pin.ts')).pinUpdate(line, context)
      },
      {
        name: 'progress',
        about: 'say how far each peer is with a pin, and why it waits',
        takes: '<CID>',
        isOurs: true,
        run: async (line, context) => (await import('./run-pin.ts')).pinProgress(line, context)
      },
      {
        name: 'ls',
        about: 'list the pinset',
        takes: '[CID]',
        help: 'Shows what is wanted, not how far the peers are with it: see status for that.',
        flags: [{
          names: ['filter'], type: 'text', about: 'types, comma-separated: all, pin, meta-pin, clusterdag-pin, shard-pin', fallback: 'all',
          choices: ['all', 'pin', 'meta-pin', 'clusterdag-pin', 'shard-pin']
        }],
        run: async (line, context) => (await import('./run-pin.ts')).pinList(line, context)
      }
    ]
  },
  {
    name: 'status',
    about: 'show the status of pins',
    takes: '[CID]...',
    help: statusHelp,
    flags: [
      local,
      {
        names: ['filter'], type: 'text', about: 'only pins in one of these statuses, comma-separated',
        choices: [...trackerStatuses, underReplicated]
      },
      { names: ['watch'], type: 'boolean', about: 'show it again whenever it changes, until interrupted' },
      { names: ['interval'], type: 'duration', about: 'how often --watch refreshes', fallback: '2s' }
    ],
    run: async (line, context) => (await import('./run-status.ts')).showStatus(line, context)
  },
  {
    name: 'recover',
    about: 'try again what failed',
    takes: '[CID]',
    help: 'Without a CID: all that failed. Peers try it again by themselves, too, every pin_recover_interval (12 minutes).',
    flags: [local],
    run: async (line, context) => (await import('./run-status.ts')).recover(line, context)
  },
  {
    name: 'audit',
    about: 'check that the data of pins is really there',
    takes: '[CID]...',
    help: 'Lets the peer read every block of these pins, or of all that it holds, and check it against its hash. Ends with 1 when something is missing or damaged, and names it.',
    isOurs: true,
    flags: [
      { names: ['all'], type: 'boolean', about: 'everything that the peer holds' },
      { names: ['sample'], type: 'text', about: 'so many pins of a hundred, e.g. 1%' },
      { names: ['peer'], type: 'text', about: "let this peer's IPFS node show random blocks (ID or name)" },
      { names: ['repair'], type: 'boolean', about: 'fetch again what is missing or damaged; not with --peer' },
      { names: ['status'], type: 'boolean', about: 'how far the latest audit is, and what audits found lately' },
      { names: ['cancel'], type: 'boolean', about: 'end the audit that is under way' }
    ],
    hints: { 409: '`audit --status` says how far it is, `audit --cancel` ends it.' },
    run: async (line, context) => (await import('./run-audit.ts')).audit(line, context)
  },
  {
    name: 'version', about: "print the peer's version", takes: ' ',
    run: async (line, context) => (await import('./run-info.ts')).showVersion(line, context)
  },
  {
    name: 'health',
    about: 'show the health of the cluster',
    commands: [
      {
        name: 'graph',
        about: 'print who is connected to whom, as a graph in DOT',
        flags: [
          { names: ['file', 'f'], type: 'text', about: 'write it into this file' },
          { names: ['all-ipfs-peers'], type: 'boolean', about: 'show IPFS peers outside of the cluster too' }
        ],
        run: async (line, context) => (await import('./run-info.ts')).showGraph(line, context)
      },
      {
        name: 'metrics',
        about: 'list the names of the metrics, or the last values of one',
        takes: '[name]',
        help: 'Metrics are what peers tell each other every few seconds: ping (it is there), freespace, tag:<name>, … Pins go to peers by them.',
        run: async (line, context) => (await import('./run-info.ts')).showMetrics(line, context)
      },
      {
        name: 'alerts',
        about: 'list peers that are silent: their metrics ran out',
        run: async (line, context) => (await import('./run-alerts.ts')).showAlerts(line, context)
      },
      {
        name: 'ready',
        about: 'say whether the peer is ready, and what is wrong with it',
        help: 'Ends with 1 when it is not ready. docs/operations/troubleshooting.md says what to do about each problem.',
        isOurs: true,
        run: async (line, context) => (await import('./run-info.ts')).showReadiness(line, context)
      },
      {
        name: 'sync',
        about: 'say whether the pinsets of the other peers are the same',
        help: 'Ends with 1 when a trusted one is out of sync: health diff names the pins then.',
        isOurs: true,
        run: async (line, context) => (await import('./run-sync.ts')).showSync(line, context)
      },
      {
        name: 'diff',
        about: 'name the pins in which two peers differ',
        takes: '<peer ID or name> <peer ID or name>',
        help: 'Compares digests of parts of both pinsets, so that little travels whatever their size. Only of Helia Cluster peers. Ends with 1 when they differ.',
        isOurs: true,
        flags: [{ names: ['repair'], type: 'boolean', about: 'let both merge their histories again' }],
        run: async (line, context) => (await import('./run-sync.ts')).showDiff(line, context)
      },
      {
        name: 'bandwidth', about: 'show bytes by libp2p protocol',
        run: async (line, context) => (await import('./run-info.ts')).showBandwidth(line, context)
      }
    ]
  },
  {
    name: 'rebalance',
    about: 'move pins until all peers are filled alike',
    takes: ' ',
    isOurs: true,
    help: [
      'After a peer or a disk was added. The share of a peer goes by what its repository may hold, or is the same for all with --equal; pins move from peers with more than their share to those with less, and no others. A peer loses a pin when the other one has it. --by spreads the copies of each pin over the values of tags, such as regions, first.',
      '',
      '  rebalance --dry-run             say what would move',
      '  rebalance --by region --wait    spread the copies over regions, and wait',
      '',
      'The asked peer does it, in the background and after a restart, too.'
    ].join('\n'),
    flags: [
      { names: ['dry-run'], type: 'boolean', about: 'only say what would move' },
      {
        names: ['by'], type: 'text',
        about: 'tags of the peers to spread copies over, comma-separated; default: those that the peer allocates by'
      },
      { names: ['equal'], type: 'boolean', about: 'the same share for each peer' },
      ...limits,
      { names: ['status'], type: 'boolean', about: 'only say how far it is' },
      { names: ['cancel'], type: 'boolean', about: 'begin no more moves' },
      ...waitingForMoves
    ],
    run: async (line, context) => (await import('./run-moving.ts')).rebalance(line, context)
  },
  {
    name: 'ipfs',
    about: 'manage the IPFS nodes',
    commands: [
      {
        name: 'gc',
        about: 'remove blocks that no pin needs, and give the space back',
        help: 'On all peers of the cluster, or with --local on the asked one. On a terminal it counts what was removed; --enc=text names it.',
        flags: [local],
        run: async (line, context) => (await import('./run-info.ts')).collectGarbage(line, context)
      }
    ]
  },
  {
    name: 'bench',
    about: 'put a load on the cluster, and measure how fast it is',
    takes: ' ',
    isOurs: true,
    help: benchHelp,
    flags: benchFlags,
    run: async (line, context) => (await import('./run-bench.ts')).bench(line, context)
  },
  {
    name: 'commands', about: 'list all commands', takes: ' ',
    run: async (line, context) => (await import('./run-own.ts')).listCommands(line, context)
  },
  {
    name: 'completion',
    about: 'print a completion script for bash, zsh or fish',
    takes: '<bash|zsh|fish>',
    completes: ['bash', 'zsh', 'fish'],
    isOurs: true,
    run: async (line, context) => (await import('./run-own.ts')).printCompletion(line, context)
  }
]
