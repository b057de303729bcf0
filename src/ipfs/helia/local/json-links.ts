import { CID } from 'multiformats/cid'

/**
 * The links of a DAG-JSON block in order: objects with the one key "/" and a CID text as value; `{"/":{"bytes":…}}` are bytes. Throws when it isn't JSON.
 */
export function * jsonLinks (bytes: Uint8Array): Generator<CID> {
  // A stack of its own: deep nesting must not end the process' stack.
  const stack: unknown[] = [JSON.parse(new TextDecoder('utf8', { fatal: true }).decode(bytes))]
  while (stack.length > 0) {
    const value = stack.pop()
    if (typeof value !== 'object' || value == null) continue
    const children = Object.values(value)
    const slash = children.length === 1 && !Array.isArray(value) ? Object.entries(value)[0] : undefined
    if (slash?.[0] === '/' && typeof slash[1] === 'string') yield CID.parse(slash[1])
    else for (let n = children.length - 1; n >= 0; n--) stack.push(children[n])
  }
}
