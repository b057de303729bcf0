type Example = [what: string, command: string]

/** Lines to copy for somebody who has just started a peer in a clone. `addresses` as in RunningNode. */
export function whatToTry (addresses: Record<string, string[]>): string {
  const rest = httpUrl(addresses.restapi)
  const gateway = httpUrl(addresses.gateway)
  const service = httpUrl(addresses.service)
  const webui = httpUrl(addresses.webui)
  const lines: Example[] = [
    ...(service == null ? [] : [['the pinning service, in a browser', service]] satisfies Example[]),
    ...(webui == null ? [] : [['the cluster, in a browser', webui]] satisfies Example[]),
    ...(rest == null ? [] : [
      ['who this peer is', `curl ${rest}/id`],
      ['add a file; the answer has its CID', `echo hello > hello.txt; curl -F file=@hello.txt ${rest}/add`],
      ['what is pinned, and how far it is', `curl ${rest}/pins`],
      ['the same with the command-line client', `npm run -s ctl -- --host ${addresses.restapi?.[0]} status`]
    ] satisfies Example[]),
    ...(gateway == null ? [] : [['read it back', `curl ${gateway}/ipfs/CID`]] satisfies Example[])
  ]
  return [
    '', 'The peer is ready. Try:', ...lines.flatMap(([what, command]) => [`  # ${what}`, `  ${command}`]), 'Ctrl-C stops it.', '', ''
  ].join('\n')
}

/** `http://host:port` of the first TCP address. */
function httpUrl (addresses: readonly string[] = []): string | undefined {
  const [, version, host, port] = addresses.map(
    address => /^\/(ip4|ip6|dns4?)\/([^/]+)\/tcp\/(\d+)/.exec(address)
  ).find(found => found != null) ?? []
  if (host == null) return undefined
  return `http://${version === 'ip6' ? `[${host}]` : host}:${port}`
}
