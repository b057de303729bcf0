/** What a shell needs to know of a program's command line. */
export interface CompletedProgram {
  /** What is typed to call it. */
  program: string
  flags: readonly CompletedFlag[]
  commands: readonly CompletedCommand[]
}

/** A program's commands as the shells' completions need them. */
export interface CompletedCommand {
  /** With `<` at its beginning: any word that isn't another command's name. */
  name: string
  about: string
  flags?: readonly CompletedFlag[]
  commands?: readonly CompletedCommand[]
  /** Words that may follow. */
  words?: readonly string[]
  /** Files may follow. */
  takesFiles?: boolean
  /** The folders in it are offered instead of the name: the value of a variable, else a path below the home folder. */
  foldersIn?: { variable: string, otherwise: string }
}

/** A flag of such a command. */
export interface CompletedFlag {
  /** With dashes: `--file`, `-f`. */
  names: readonly string[]
  about: string
  takesValue: boolean
  choices?: readonly string[]
}

/** Those that there are completions for. */
export const shells = ['bash', 'zsh', 'fish'] as const

/** The script that a shell sources; undefined for a shell that isn't known. */
export function completionScript (shell: string, completed: CompletedProgram): string | undefined {
  if (shell === 'bash') return bashScript(completed)
  if (shell === 'zsh') return zshScript(completed)
  return shell === 'fish' ? fishScript(completed) : undefined
}

/** A command with the words before it: `["pin", "add"]`. The program itself has none. */
interface Place { words: readonly string[], command: CompletedCommand }

const places = (list: readonly CompletedCommand[], before: readonly string[] = []): Place[] => list.flatMap(command => {
  const words = [...before, command.name]
  return [{ words, command }, ...places(command.commands ?? [], words)]
})

const allPlaces = ({ program, ...top }: CompletedProgram): Place[] =>
  [{ words: [], command: { ...top, name: program, about: '' } }, ...places(top.commands)]
const isAnyWord = ({ name }: CompletedCommand): boolean => name.startsWith('<')
const functionOf = (program: string): string => `_${program.replaceAll(/\W/g, '_')}`

interface Offer { word: string, about: string }

const offersOf = ({ commands = [], words = [], flags = [] }: CompletedCommand): Offer[] => [
  ...commands.filter(one => !isAnyWord(one)).map(({ name, about }) => ({ word: name, about })),
  ...words.map(word => ({ word, about: '' })),
  ...flags.flatMap(({ names, about }) => names.map(word => ({ word, about })))
]

const offering = (all: readonly Place[]): Place[] => all.filter(({ command }) => offersOf(command).length > 0)

/** The flags that take a value, each with the patterns `<command words>|<flag>`. */
const valuedFlags = (all: readonly Place[]): Array<{ patterns: string[], choices: readonly string[] | undefined }> =>
  all.flatMap(({ words, command }) =>
  (command.flags ?? []).filter(({ takesValue }) => takesValue).map(({ names, choices }) => ({
    patterns: names.map(name => `${words.join(' ')}|${name}`), choices
  })))

/** A place as what the scripts' loops have walked: the words between spaces. */
const pathOf = ({ words }: Place): string => words.join(' ')

const inBash = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`

/** Walks over the words to find the command, then offers what may follow it, or the value of the flag before the cursor. */
function bashScript (completed: CompletedProgram): string {
  const fn = functionOf(completed.program)
  const all = allPlaces(completed)
  const valued = valuedFlags(all)
  const patterns = (texts: readonly string[]): string => texts.map(inBash).join('|')
  const anyWord = all.find(({ command }) => isAnyWord(command))
  const folders = anyWord?.command.foldersIn
  const files = all.filter(({ command }) => command.takesFiles === true)
  return `${fn}() {
  local current=\${COMP_WORDS[COMP_CWORD]} path= flag= word at
  COMPREPLY=()
  for ((at = 1; at < COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    if [ -n "$flag" ]; then flag=; continue; fi
    case "$path|$word" in
      ${patterns(valued.flatMap(one => one.patterns))}) flag="$path|$word"; continue;;
    esac
    case "\${path:+$path }$word" in
      ${patterns(all.slice(1).map(pathOf))}) path="\${path:+$path }$word";;
${anyWord == null ? '' : `      -*) ;;\n      *) [ -n "$path" ] || path=${inBash(pathOf(anyWord))};;\n`}    esac
  done
  case $flag in
    '') ;;
${valued.filter(({ choices }) => choices != null).map(one => `    ${patterns(one.patterns)}) COMPREPLY=($(compgen -W ${inBash((one.choices ?? []).join(' '))} -- "$current")); return;;\n`).join('')}    *) COMPREPLY=($(compgen -f -- "$current")); return;;
  esac
  case $path in
${offering(all).map(place => `    ${inBash(pathOf(place))}) COMPREPLY=($(compgen -W ${inBash(offersOf(place.command).map(({ word }) => word).join(' '))} -- "$current"));;`).join('\n')}
  esac
${folders == null ? '' : `  if [ -z "$path" ]; then
    for word in "\${${folders.variable}:-$HOME/${folders.otherwise}}"/*/; do
      word=\${word%/}
      word=\${word##*/}
      case $word in "$current"*) [ "$word" = '*' ] || COMPREPLY+=("$word");; esac
    done
  fi
`}${files.length === 0 ? '' : `  case $path in
    ${patterns(files.map(pathOf))}) [ "\${current#-}" = "$current" ] && COMPREPLY+=($(compgen -f -- "$current"));;
  esac
`}}
complete -o filenames -F ${fn} ${completed.program}
`
}

/** zsh runs what bash does; its compinit may not have been run yet. */
const zshScript = (completed: CompletedProgram): string =>
  `#compdef ${completed.program}\n(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -u }\nautoload -Uz bashcompinit && bashcompinit\n${bashScript(completed)}`

const inFish = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`

/** The same walk as bash's, and each word with what it is. */
function fishScript (completed: CompletedProgram): string {
  const fn = functionOf(completed.program)
  const all = allPlaces(completed)
  const valued = valuedFlags(all)
  const patterns = (texts: readonly string[]): string => texts.map(inFish).join(' ')
  const anyWord = all.find(({ command }) => isAnyWord(command))
  const folders = anyWord?.command.foldersIn
  const offered = (place: Place): string => offersOf(place.command).map(({ word, about }) => inFish(`${word}\t${about}`)).join(' ')
  const files = all.filter(({ command }) => command.takesFiles === true)
  return `function ${fn}
  set -l path ''
  set -l flag ''
  set -l words (commandline -opc)
  for word in $words[2..-1]
    if test -n "$flag"
      set flag ''
      continue
    end
    switch "$path|$word"
      case ${patterns(valued.flatMap(one => one.patterns))}
        set flag "$path|$word"
        continue
    end
    switch (string trim -- "$path $word")
      case ${patterns(all.slice(1).map(pathOf))}
        set path (string trim -- "$path $word")
${anyWord == null ? '' : `      case '-*'\n      case '*'\n        test -n "$path"; or set path ${inFish(pathOf(anyWord))}\n`}    end
  end
  switch "$flag"
    case ''
${valued.filter(({ choices }) => choices != null).map(one => `    case ${patterns(one.patterns)}\n      printf '%s\\n' ${(one.choices ?? []).map(inFish).join(' ')}\n      return\n`).join('')}    case '*'
      __fish_complete_path (commandline -ct)
      return
  end
  switch "$path"
${offering(all).map(place => `    case ${inFish(pathOf(place))}\n      printf '%s\\n' ${offered(place)}`).join('\n')}
  end
${folders == null ? '' : `  if test -z "$path"
    set -l folder "$HOME/${folders.otherwise}"
    set -q ${folders.variable}; and set folder "$${folders.variable}"
    for name in "$folder"/*/
      printf '%s\\n' (basename $name)
    end
  end
`}${files.length === 0 ? '' : `  switch "$path"
    case ${patterns(files.map(pathOf))}
      __fish_complete_path (commandline -ct)
  end
`}end
complete -c ${completed.program} -f -a '(${fn})'
`
}
