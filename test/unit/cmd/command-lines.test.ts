import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { completionScript, type CompletedCommand, type CompletedProgram } from '../../../cmd/completion.ts'
import { runFollow } from '../../../cmd/helia-cluster-follow/main.ts'
import { runProgram } from '../../../cmd/helia-cluster-service/main.ts'
import { cliReference, commandsIn, completedPrograms } from '../../../scripts/cli-reference.ts'
import { runCtlHere } from '../../support/ctl.ts'
import { fakeTerminal } from '../../support/terminal.ts'

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const programs = completedPrograms()
const [ctl, service, follow] = programs as [CompletedProgram, CompletedProgram, CompletedProgram]

/** Each place of a command line; the program itself has no words. */
const placesOf = ({ program, ...top }: CompletedProgram): Array<{ words: string[], command: CompletedCommand }> =>
  [{ words: [], command: { name: program, about: '', ...top } }, ...commandsIn(top.commands)]
const flagsOf = ({ flags = [] }: Pick<CompletedCommand, 'flags'>): string[] => flags.flatMap(({ names }) => names).toSorted()
const namesOf = ({ commands = [] }: CompletedCommand): string[] => commands.map(({ name }) => name).toSorted()
const filled = (words: readonly string[]): string[] => words.map(word => word.replace('<clusterName>', 'some-cluster'))

async function help (program: CompletedProgram, words: readonly string[]): Promise<string> {
  const argv = [...filled(words), '--help']
  if (program === ctl) return (await runCtlHere(argv)).stdout
  const terminal = fakeTerminal()
  if (program === service) await runProgram(argv, terminal)
  else await runFollow(argv, { terminal } as never)
  return terminal.printed.out
}

/** What stands at the left in a section of a help text. */
function leftIn (text: string, title: RegExp): string[] {
  const lines = text.split('\n')
  const from = lines.findIndex(line => title.test(line)) + 1
  if (from === 0) return []
  const end = lines.findIndex((line, at) => at >= from && line === '')
  return lines.slice(from, end < 0 ? undefined : end).map(
    line => /^ {2,3}(\S.*?)(?: {2,}|$)/.exec(line)?.[1] ?? ''
  ).filter(left => left !== '')
}

const helpFlags = (text: string): string[] =>
  leftIn(text, /^(global )?options:$/i).flatMap(left => left.match(/(?<![\w<-])--?[a-zA-Z][\w-]*/g) ?? []).toSorted()
const helpCommands = (text: string): string[] => leftIn(text, /^commands:$/i).map(left => left.split(/[ |]/)[0] ?? '').toSorted()

describe('the command lines of the three programs', () => {
  it('are in the reference: node scripts/write-config-files.ts', () => {
    assert.equal(read('docs/reference/cli-flags.md'), cliReference())
  })

  it('are shown in examples, one in a line', async () => {
    for (const program of [service, follow]) {
      const text = await help(program, [])
      const examples = text.split('\nExamples:\n')[1]?.split('\n\n')[0]?.split('\n') ?? []

      assert.ok(examples.length > 2, text)
      for (const line of examples) assert.match(line, new RegExp(`^  (?:\\w+=\\S+ )?${program.program} `))
    }
  })

  it("of ctl's examples have flags that there are", async () => {
    const places = placesOf(ctl).filter(({ words }) => words.length > 0)
    const texts = await Promise.all(places.map(async ({ words }) => help(ctl, words)))
    const examples = places.flatMap(({ words, command }, at) => texts[at]!.split('\n')
      .filter(line => line.startsWith(`   ${words.join(' ')} -`)).map(line => ({ line: line.split(/(?<=\S) {2,}/)[0]!, command })))

    assert.ok(examples.length > 10)
    for (const { line, command } of examples) {
      for (const flag of line.match(/(?<= )--?[a-zA-Z][\w-]*/g) ?? []) assert.ok(flagsOf(command).includes(flag), line)
    }
  })

  for (const program of programs) {
    it(`are complete in the help of ${program.program}`, async () => {
      for (const { words, command } of placesOf(program)) {
        // the first word of follow's is a name, and "help" is asked in other words
        if (command.name === 'help' || (program === follow && words[0] === 'completion')) continue
        const text = await help(program, words)

        assert.deepEqual(helpFlags(text), flagsOf(command), `${words.join(' ')}:\n${text}`)
        if (program !== follow || words.length > 0) assert.deepEqual(helpCommands(text), namesOf(command), `${words.join(' ')}:\n${text}`)
        else assert.match(text, /<clusterName> \[subcommand\].*\n.* completion bash/)
      }
    })

    it(`are completed by bash for ${program.program}`, () => {
      const script = completionScript('bash', program) ?? ''
      const places = placesOf(program)
      const loop = `${script}
        while read -r -a words; do
          COMP_WORDS=(x "\${words[@]}" ''); COMP_CWORD=$((\${#words[@]} + 1)); _${program.program.replaceAll('-', '_')}; echo "\${COMPREPLY[*]}"
        done`

      const lines = execFileSync('bash', ['-c', loop], {
        cwd: '/', env: { ...process.env, IPFS_CLUSTER_PATH: '/nowhere' },
        input: places.map(({ words }) => `${filled(words).join(' ')}\n`).join('')
      }).toString().split('\n')

      for (const [at, { words, command }] of places.entries()) {
        if (command.takesFiles === true) continue
        const wanted = [...flagsOf(command), ...namesOf(command).filter(name => !name.startsWith('<')), ...command.words ?? []]
        assert.deepEqual((lines[at] ?? '').split(' ').filter(word => word !== '').toSorted(), wanted.toSorted(), words.join(' '))
      }
    })
  }

  it('are told by the pages written by hand, which tell of nothing else', () => {
    const [hidden, ofOtherPrograms] = [['--upgrade', '-u'], ['-Tsvg']]
    for (const { page, of } of [{ page: 'cli-ctl.md', of: [ctl] }, { page: 'cli-service.md', of: [service, follow] }]) {
      const text = read(`docs/reference/${page}`)
      const code = [...text.matchAll(/^```\w*\n([^]*?)^```|`([^`]+)`|^## (.+)$/gm)].map(
        ([, block, inline, heading]) => block ?? inline ?? heading ?? ''
      )
      const all = of.flatMap(placesOf)
      const known = new Set([...all.flatMap(({ command }) => flagsOf(command)), ...hidden])
      const named = code.flatMap(one => one.match(/(?<![\w<-])--?[a-zA-Z][\w-]*/g) ?? [])

      const unknown = named.filter(flag => !known.has(flag) && !ofOtherPrograms.includes(flag))
      const untold = all.filter(
        ({ command, words }) => command.name !== 'help' && words.length > 0
      ).map(({ words }) => words.at(-1) ?? '').filter(name => !code.some(one => one.split(/[^\w<>-]+/).includes(name)))
      const untoldFlags = page === 'cli-ctl.md' ? [] : [...known].filter(flag => !named.includes(flag))

      assert.deepEqual({ unknown, untold, untoldFlags }, { unknown: [], untold: [], untoldFlags: [] }, page)
    }
  })
})

function withScript<Result> (shell: string, program: CompletedProgram, use: (file: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), 'helia-cluster-completion-'))
  try {
    writeFileSync(join(folder, 'script'), completionScript(shell, program) ?? '')
    return use(join(folder, 'script'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('completion', () => {
  it('offers followed clusters by name, values of flags, and files where they fit', () => {
    const folder = mkdtempSync(join(tmpdir(), 'helia-cluster-completion-'))
    try {
      for (const name of ['one', 'two']) mkdirSync(join(folder, name))
      writeFileSync(join(folder, 'pins.json'), '')
      const replies = (program: CompletedProgram, ...words: string[]): string[] => execFileSync('bash',
        [
          '-c',
          `${completionScript('bash', program)}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _${program.program.replaceAll('-', '_')}; printf '%s\\n' "\${COMPREPLY[@]}"`,
          'bash', 'x', ...words
        ],
        { cwd: folder, env: { ...process.env, IPFS_CLUSTER_PATH: folder } }).toString().trim().split('\n')

      assert.deepEqual(replies(follow, 't'), ['two'])
      assert.deepEqual(replies(follow, '-c', folder, 'o'), ['one'])
      assert.deepEqual(replies(follow, 'two', 'i'), ['info', 'init'])
      assert.deepEqual(replies(follow, 'two', 'run', '--in'), ['--init'])
      assert.deepEqual(replies(ctl, '--enc', ''), ['text', 'json', 'table'])
      assert.deepEqual(replies(ctl, '--host', '/ip4/pin', 'pin', 'add', '-r', '3', '--mod'), ['--mode'])
      assert.deepEqual(replies(service, 'state', 'import', 'p'), ['pins.json'])
      assert.deepEqual(replies(service, 'help', 'state', 'c'), ['cleanup', 'crdt'])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('is refused for other shells', async () => {
    const terminal = fakeTerminal()
    const refused = 'error : no completion for "tcsh"; there is one for bash, zsh, fish\n'

    assert.equal(await runProgram(['completion', 'tcsh'], terminal), 1)
    assert.equal(terminal.printed.err, refused)
    assert.deepEqual(await runCtlHere(['completion', 'tcsh']), { status: 1, stdout: '', stderr: refused })
  })

  it('is a name of a cluster for follow when no shell is named', async () => {
    const [script, cluster] = [fakeTerminal(), fakeTerminal({ variables: { IPFS_CLUSTER_PATH: '/nowhere' } })]

    assert.equal(await runFollow(['completion', 'zsh'], { terminal: script } as never), 0)
    assert.equal(await runFollow(['completion', 'list'], { terminal: cluster } as never), 1)

    assert.match(script.printed.out, /^#compdef helia-cluster-follow\n/)
    assert.match(cluster.printed.err, /has not been initialized/)
  })

  for (const shell of ['zsh', 'fish']) {
    const isMissing = spawnSync(shell, ['--version']).error != null
    it(`can be read by ${shell}`, { skip: isMissing ? `no ${shell}` : false }, () => {
      for (const program of programs) withScript(shell, program, file => execFileSync(shell, ['-n', file]))
    })
  }

  it('says in fish what each word is', { skip: spawnSync('fish', ['--version']).error != null ? 'no fish' : false }, () => {
    const offered = (program: CompletedProgram, line: string): string[] =>
      withScript(
        'fish', program, file => execFileSync('fish', ['-c', `source ${file}; complete -C '${line}'`])
      ).toString().trim().split('\n')

    assert.deepEqual(offered(service, 'helia-cluster-service state crdt mark-d'), ['mark-dirty\task for a full check at the next start'])
    assert.deepEqual(offered(ctl, 'helia-cluster-ctl --enc js'), ['json'])
    assert.deepEqual(offered(follow, 'helia-cluster-follow mine run --g'), ['--gateway\tas for init'])
  })
})
