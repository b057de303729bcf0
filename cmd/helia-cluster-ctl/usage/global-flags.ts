import type { Flag } from './flags.ts'

/** The programs answer it in every place. */
export const helpFlag = { names: ['help', 'h'], type: 'boolean', about: 'print this help' } as const satisfies Flag
/** Prints the version wherever it stands, as Go's. */
export const versionFlag = { names: ['version', 'v'], type: 'boolean', about: 'print the version' } as const satisfies Flag

/** Answered before all commands, and by `h`. */
export const helpTopic = { name: 'help', about: 'print the help of a command (also h)' } as const

/** The flags before the command. */
export const globalFlags: readonly Flag[] = [
  {
    names: ['host', 'l'], type: 'text',
    about: 'multiaddresses of REST APIs, comma-separated; the next one is asked when one does not answer',
    fallback: '/ip4/127.0.0.1/tcp/9094'
  },
  {
    names: ['secret'], type: 'text', about: "the cluster's secret (64 hexadecimal digits), when the --host is a /p2p/ address that needs it"
  },
  { names: ['https', 's'], type: 'boolean', about: 'use TLS' },
  { names: ['no-check-certificate'], type: 'boolean', about: 'accept any certificate' },
  {
    names: ['encoding', 'enc'], type: 'text',
    about: 'text: lines for scripts; json; table: for reading (default: table on a terminal, otherwise text)',
    choices: ['text', 'json', 'table']
  },
  { names: ['timeout', 't'], type: 'integer', about: 'seconds that a request may take; 0: no limit', fallback: 0 },
  { names: ['debug', 'd'], type: 'boolean', about: 'print every request and answer on stderr' },
  {
    names: ['basic-auth'], type: 'text', about: '<user>[:<password>]; turns --https on unless --force-http is given',
    variable: 'CLUSTER_CREDENTIALS'
  },
  { names: ['force-http', 'f'], type: 'boolean', about: 'no TLS in spite of --basic-auth' }
]
