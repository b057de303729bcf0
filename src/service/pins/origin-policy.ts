import { isPrivateAddress, systemAddresses } from '../../base/public-address.ts'

/** The IP address that a multiaddress begins with; undefined for names and everything else. */
function addressOf (multiaddress: string): string | undefined {
  const [, protocol, host] = multiaddress.split('/')
  return protocol === 'ip4' || protocol === 'ip6' ? host : undefined
}

/**
 * Which of a user's addresses this service dials. Without `privateAllowed` those of public networks, and no names: what a name leads to is
 * known only when it is dialed.
 */
export function originPolicy ({ privateAllowed }: { privateAllowed: boolean }): (origins: readonly string[]) => string[] {
  return origins => {
    if (privateAllowed || origins.length === 0) return [...origins]
    const own = systemAddresses()
    return origins.filter(origin => {
      const address = addressOf(origin)
      return address != null && !isPrivateAddress(address, () => own)
    })
  }
}
