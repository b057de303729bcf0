import { shells } from '../completion.ts'
import type { CompletedProgram } from '../completion.ts'
import { completedCommand, completedProgram } from '../helia-cluster-service/completion.ts'
import type { Terminal } from '../helia-cluster-service/terminal.ts'
import { describeFollowed, describeProgram } from './describe.ts'
import type { FollowedActions } from './describe.ts'

const noActions: FollowedActions = { info: async () => {}, init: async () => {}, run: async () => {}, list: async () => {} }

/** All that the help has; the names of clusters are those that have a folder. */
export function completedFollow (terminal: Terminal): CompletedProgram {
  const followed = completedCommand(describeFollowed('<clusterName>', terminal, noActions))
  return {
    ...completedProgram(describeProgram(terminal)),
    commands: [
      { name: 'help', about: 'print the help' },
      { name: 'completion', about: 'print a completion script for bash, zsh or fish', words: shells },
      {
        ...followed, name: '<clusterName>', about: 'print what is known of the follower, and how to go on',
        foldersIn: { variable: 'IPFS_CLUSTER_PATH', otherwise: '.helia-cluster-follow' }
      }
    ]
  }
}
