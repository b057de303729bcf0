/**
 * A CPU profile of a running peer's main thread, over the inspector of Node (Chrome DevTools Protocol, domain Profiler). The peer must have
 * been started with
 * `--inspect=127.0.0.1:PORT`.
 */
export async function profiled<T> (inspectorPort: number, work: () => Promise<T>): Promise<{ result: T, profile: string }> {
  const { ask } = await dialogue(inspectorPort)
  await ask('Profiler.enable')
  await ask('Profiler.setSamplingInterval', { interval: 500 })
  await ask('Profiler.start')
  const result = await work()
  const { profile } = await ask('Profiler.stop') as { profile: object }
  return { result, profile: JSON.stringify(profile) }
}

/** What an expression that gives a text is in a running peer, over the same inspector. */
export async function evaluated (inspectorPort: number, expression: string): Promise<string> {
  const { ask, close } = await dialogue(inspectorPort)
  const { result } = await ask('Runtime.evaluate', { expression }) as { result: { value: string } }
  close()
  return result.value
}

type Ask = (method: string, params?: object) => Promise<unknown>

async function dialogue (inspectorPort: number): Promise<{ ask: Ask, close: () => void }> {
  const [target] = await (await fetch(`http://127.0.0.1:${inspectorPort}/json/list`)).json() as { webSocketDebuggerUrl: string }[]
  if (target == null) throw new Error(`no inspector on port ${inspectorPort}`)
  const socket = new WebSocket(target.webSocketDebuggerUrl)
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', reject)
  })
  const waiting = new Map<number, { resolve: (value: unknown) => void, reject: (reason: Error) => void }>()
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error } = JSON.parse(String(data)) as { id?: number, result?: unknown, error?: { message: string } }
    const asked = waiting.get(id ?? 0)
    waiting.delete(id ?? 0)
    if (error == null) asked?.resolve(result)
    else asked?.reject(new Error(error.message))
  })
  socket.addEventListener('close', () => {
    for (const { reject } of waiting.values()) reject(new Error('the peer ended while it was profiled'))
  })
  let last = 0
  return {
    ask: async (method, params) => new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject })
      socket.send(JSON.stringify({ id: last, method, params }))
    }),
    close: () => socket.close()
  }
}

interface ProfileNode { id: number, callFrame: { functionName: string, url: string, lineNumber: number }, children?: number[] }
interface Profile { nodes: ProfileNode[], samples: number[], timeDeltas: number[] }

/** The ten functions of a profile (`.cpuprofile`) that took most time themselves: `12.3 % name (file:line)`. */
export function busiest (profile: string): string[] {
  const { nodes, samples, timeDeltas } = JSON.parse(profile) as Profile
  const byId = new Map(nodes.map(node => [node.id, node.callFrame]))
  const spent = new Map<string, number>()
  samples.forEach((id, at) => {
    const frame = byId.get(id)
    if (frame == null || frame.functionName === '(idle)') return
    const place = frame.url === '' ? '' : ` (${frame.url.split('/').at(-1)}:${frame.lineNumber + 1})`
    const name = `${frame.functionName || 'anonymous'}${place}`
    spent.set(name, (spent.get(name) ?? 0) + (timeDeltas[at] ?? 0))
  })
  const whole = [...spent.values()].reduce((sum, time) => sum + time, 0)
  return [...spent].toSorted(([, a], [, b]) => b - a).slice(0, 10).map(([name, time]) => `${(100 * time / whole).toFixed(1)} % ${name}`)
}
