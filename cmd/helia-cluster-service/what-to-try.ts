/** Lines to copy for somebody who has just started a peer. `addresses` as in RunningNode. */
export function whatToTry (addresses: Record<string, string[]>): string {
  const rest = httpUrl(addresses.restapi)
  const gateway = httpUrl(addresses.gateway)
  const lines = [
    ...(rest == null ? [] : [
      `curl ${rest}/id                                   who this peer is`,
      `echo hello > hello.txt; curl -F file=@hello.txt ${rest}/add    add a file: the answer has its CID`,
      `curl ${rest}/pins                                 what is pinned, and how far it is`,
      `ipfs-cluster-ctl --host ${addresses.restapi?.[0]} peers ls`
    ]),
    ...(gateway == null ? [] : [`curl ${gateway}/ipfs/<CID>                            read it back`])
  ]
  return ['', 'The peer is ready. Try:', ...lines.map(line => `  ${line}`), 'Ctrl-C stops it.', '', ''].join('\n')
}

/** `http://host:port` of the first TCP address. */
function httpUrl (addresses: readonly string[] = []): string | undefined {
  const [, version, host, port] = addresses.map(address => /^\/(ip4|ip6|dns4?)\/([^/]+)\/tcp\/(\d+)/.exec(address)).find(found => found != null) ?? []
  if (host == null) return undefined
  return `http://${version === 'ip6' ? `[${host}]` : host}:${port}`
}
