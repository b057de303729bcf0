interface NamedPeer { peer: string, peername: string }

/** A peer by its name and its ID: for who has to know which one it is, such as before it is stopped. */
export const nameAndId = ({ peer, peername }: NamedPeer): string => peername === '' ? peer : `${peername} (${peer})`

/** Where there is no room for more. */
const tail = 6

/** The name and the end of the ID: for rows that are long already. */
export const nameAndTail = ({ peer, peername }: NamedPeer): string => peername === '' ? peer : `${peername} (…${peer.slice(-tail)})`

/** How peers of one list are called: by their names, by their IDs where they have none, and by both where several have the same. */
export function peerLabels (peers: readonly NamedPeer[], both = nameAndId): (one: NamedPeer) => string {
  const [once, repeated] = [new Set<string>(), new Set<string>()]
  for (const { peername } of peers) (once.has(peername) ? repeated : once).add(peername)
  return one => one.peername === '' || repeated.has(one.peername) ? both(one) : one.peername
}
