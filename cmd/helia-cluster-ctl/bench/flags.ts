import type { Flag } from '../usage/flags.ts'

/** What a run does when it isn't told. */
export const benchDefaults = { seconds: 30, parallel: 8, size: '64KiB', mix: 'add=10,pin=30,status=40,list=1,unpin=19' } as const

/** Those of `bench`, with the defaults that its reference states. */
export const benchFlags: readonly Flag[] = [
  { names: ['seconds'], type: 'integer', about: 'how long', fallback: benchDefaults.seconds },
  { names: ['parallel'], type: 'integer', about: 'requests under way at any moment', fallback: benchDefaults.parallel },
  { names: ['size'], type: 'text', about: 'of each file that is added, such as 1MiB', fallback: benchDefaults.size },
  { names: ['mix'], type: 'text', about: 'how often which request is made; what is not named is not made', fallback: benchDefaults.mix },
  { names: ['save'], type: 'text', about: 'write the figures into this file' },
  { names: ['compare'], type: 'text', about: 'compare with the figures in this file' },
  { names: ['clean'], type: 'boolean', about: 'only unpin what earlier runs have left that were killed' }
]

/** The long help of `bench`, a paragraph a line. */
export const benchHelp = [
  'Always as many requests under way as --parallel says, the next one when one is answered, until the time is over or Ctrl-C. Of each kind: how many were answered, how many a second, and in what time half of them (p50), 99 of 100 (p99) and the slowest were. Works with Go peers, too.',
  '',
  '  add     uploads a file of random bytes, which is pinned',
  '  pin     pins a CID that has its content in it, so that nothing has to be fetched',
  '  status  asks for the status of one pin of this run',
  '  list    reads all of the pinset: expensive when that is long',
  '  unpin   unpins one of this run',
  '',
  '  bench --save before.json                        and change something',
  '  bench --compare before.json                     what it has brought',
  '  bench --mix add=1 --size 10MiB --parallel 2     uploads only',
  '',
  'Pins are called ctl-bench-…, and are unpinned at the end, after Ctrl-C, too; blocks go with the next ipfs gc. A second Ctrl-C ends it at once: --clean takes away what is left then.',
  'Ends with 1 when a request failed.'
].join('\n')
