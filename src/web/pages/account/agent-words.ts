const browsers: ReadonlyArray<[pattern: RegExp, name: string]> = [
  [/Edg\//, 'Edge'], [/OPR\//, 'Opera'], [/Firefox\//, 'Firefox'], [/Chrom(e|ium)\//, 'Chrome'], [/Safari\//, 'Safari']
]
const systems: ReadonlyArray<[pattern: RegExp, name: string]> = [
  [/Android/, 'Android'], [/iPhone|iPad/, 'iOS'], [/Windows/, 'Windows'], [/Mac OS X/, 'macOS'], [/Linux|X11/, 'Linux']
]

/** "Firefox on Linux", of what a browser calls itself; anything else as it is. */
export function agentWords (agent: string): string {
  if (agent === '') return 'Unknown program'
  const browser = browsers.find(([pattern]) => pattern.test(agent))?.[1]
  const system = systems.find(([pattern]) => pattern.test(agent))?.[1]
  if (browser == null) return agent.length > 60 ? `${agent.slice(0, 60)}…` : agent
  return system == null ? browser : `${browser} on ${system}`
}
