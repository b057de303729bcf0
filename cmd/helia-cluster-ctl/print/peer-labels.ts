interface NamedPeer { peer: string, peername: string }

/** How peers of one list are called: by their names, by their IDs where they have none, and by both where several have the same. */
export function peerLabels (peers: readonly NamedPeer[]): (one: NamedPeer) => string {
  const [once, repeated] = [new Set<string>(), new Set<string>()]
  for (const { peername } of peers) (once.has(peername) ? repeated : once).add(peername)
  return ({ peer, peername }) => peername === '' ? peer : repeated.has(peername) ? `${peername} (${peer})` : peername
}
