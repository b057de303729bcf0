import type { Command } from './command.ts'
import type { Flag } from './flags.ts'
import { globalFlags } from './global-flags.ts'

export interface Completed {
  program: string
  commands: readonly Command[]
}

export const shells = ['bash', 'zsh', 'fish'] as const

/** A command with the words before it: `["pin", "add"]`. */
interface Place { words: readonly string[], command: Command }

const places = (list: readonly Command[], before: readonly string[] = []): Place[] =>
  list.filter(one => one.isHidden !== true || one.name === 'completion').flatMap(command => {
    const words = [...before, command.name]
    return [{ words, command }, ...places(command.commands ?? [], words)]
  })

const dashed = (name: string): string => name.length === 1 ? `-${name}` : `--${name}`
const flagWords = (flags: readonly Flag[] = []): string[] => flags.flatMap(({ names }) => names.map(dashed))
const takesFiles = ({ name }: Command): boolean => name === 'add'
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`

/** The script that a shell sources; undefined for a shell that isn't known. */
export function completionScript (shell: string, completed: Completed): string | undefined {
  if (shell === 'bash') return bashScript(completed)
  if (shell === 'zsh') return `#compdef ${completed.program}\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(completed)}`
  return shell === 'fish' ? fishScript(completed) : undefined
}

/** The words that may follow; keys are the command words so far, "" for none. */
function followers (commands: readonly Command[]): Array<readonly [string, readonly string[]]> {
  return [
    ['', [...commands.filter(one => one.isHidden !== true).map(({ name }) => name), 'completion', 'help', ...flagWords(globalFlags), '--help', '--version']],
    ...places(commands).map(({ words, command }) => [
      words.join(' '),
      [...(command.commands ?? []).map(({ name }) => name), ...(command.name === 'completion' ? shells : []), ...flagWords(command.flags), '--help']
    ] as const)
  ]
}

/** The flags that take a value, each as the pattern `<command words>|<flag>`. */
function valuedFlags (commands: readonly Command[]): Array<{ pattern: string, flag: Flag }> {
  return [{ words: [] as readonly string[], flags: globalFlags }, ...places(commands).map(({ words, command }) => ({ words, flags: command.flags ?? [] }))].flatMap(({ words, flags }) =>
    flags.filter(({ type }) => type !== 'boolean').map(flag => ({ flag, pattern: flagWords([flag]).map(word => quoted(`${words.join(' ')}|${word}`)).join('|') })))
}

/** Walks over the words to find the command, then offers what may follow it, or the value of the flag before the cursor. */
function bashScript ({ program, commands }: Completed): string {
  const fn = `_${program.replaceAll(/\W/g, '_')}`
  const valued = valuedFlags(commands)
  const withChoices = valued.filter(({ flag }) => flag.choices != null)
  const all = places(commands)
  const files = all.filter(({ command, words }) => takesFiles(command) && words.length === 1).map(({ words }) => quoted(words.join(' ')))
  return `${fn}() {
  local current=\${COMP_WORDS[COMP_CWORD]} path= flag= word at
  COMPREPLY=()
  for ((at = 1; at < COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    if [ -n "$flag" ]; then flag=; continue; fi
    case "$path|$word" in
      ${valued.map(({ pattern }) => pattern).join('|')}) flag="$path|$word"; continue;;
    esac
    case "\${path:+$path }$word" in
      ${all.map(({ words }) => quoted(words.join(' '))).join('|')}) path="\${path:+$path }$word";;
    esac
  done
  case $flag in
    '') ;;
${withChoices.map(({ pattern, flag }) => `    ${pattern}) COMPREPLY=($(compgen -W ${quoted((flag.choices ?? []).join(' '))} -- "$current")); return;;`).join('\n')}
    *) COMPREPLY=($(compgen -f -- "$current")); return;;
  esac
  case $path in
${followers(commands).map(([path, words]) => `    ${quoted(path)}) COMPREPLY=($(compgen -W ${quoted(words.join(' '))} -- "$current"));;`).join('\n')}
  esac
  case $path in
    ${files.join('|')}) [ "\${current#-}" = "$current" ] && COMPREPLY=($(compgen -f -- "$current"));;
  esac
}
complete -o filenames -F ${fn} ${program}
`
}

const seen = (words: readonly string[]): string => words.map(word => `__fish_seen_subcommand_from ${word}`).join('; and ')

function fishScript ({ program, commands }: Completed): string {
  const line = (condition: string, rest: string): string => `complete -c ${program} -f -n ${quoted(condition)} ${rest}`
  const flagLine = (condition: string, { names, about, type, choices }: Flag): string => {
    const words = names.map(name => name.length === 1 ? `-s ${name}` : `-l ${name}`).join(' ')
    return line(condition, `${words} -d ${quoted(about)}${type === 'boolean' ? '' : choices == null ? ' -r' : ` -x -a ${quoted(choices.join(' '))}`}`)
  }
  const all = places(commands)
  return [
    ...globalFlags.map(flag => flagLine('__fish_use_subcommand', flag)),
    ...all.flatMap(({ words, command }) => {
      const parent = words.slice(0, -1)
      const here = parent.length === 0 ? '__fish_use_subcommand' : `${seen(parent)}; and not __fish_seen_subcommand_from ${(all.find(one => one.words.join(' ') === parent.join(' '))?.command.commands ?? []).map(({ name }) => name).join(' ')}`
      return [
        line(here, `-a ${command.name} -d ${quoted(command.about)}`),
        ...(command.flags ?? []).map(flag => flagLine(seen(words), flag)),
        ...(command.name === 'completion' ? [line(seen(words), `-a ${quoted(shells.join(' '))}`)] : []),
        ...(takesFiles(command) && words.length === 1 ? [`complete -c ${program} -F -n ${quoted(seen(words))}`] : [])
      ]
    })
  ].map(one => `${one}\n`).join('')
}
