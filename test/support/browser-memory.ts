import { readdir, readFile } from 'node:fs/promises'

/** What the browsers that this process has started take together, in MiB: shared pages count once (Linux; NaN elsewhere). */
export async function browserMemory (): Promise<number> {
  try {
    const processes = await Promise.all((await readdir('/proc')).filter(name => /^\d+$/.test(name)).map(factsOf))
    const known = new Map(processes.filter(one => one != null).map(one => [one.pid, one]))
    const isOurs = (pid: number): boolean => pid === process.pid || (known.has(pid) && isOurs(known.get(pid)?.parent ?? 0))
    const ours = [...known.values()].filter(({ pid, name }) => name.startsWith('chrom') && isOurs(pid))
    const sizes = await Promise.all(
      ours.map(
        async ({ pid }) => Number(/^Pss:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => ''))?.[1] ?? 0)
      )
    )
    return sizes.reduce((sum, size) => sum + size, 0) / 1024
  } catch {
    return NaN
  }
}

async function factsOf (pid: string): Promise<{ pid: number, name: string, parent: number } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const [, name = '', parent] = /^\d+ \((.*)\) \S (\d+)/s.exec(text) ?? []
  return parent == null ? undefined : { pid: Number(pid), name, parent: Number(parent) }
}
