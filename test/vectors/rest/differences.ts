/** An answer to be expected; undefined: anything. */
export interface Expected {
  status: number
  text?: string | undefined
  headers?: string[] | undefined
  trailers?: Array<[string, string]> | undefined
}

interface Difference { cases: RegExp, change: (expected: Expected) => Expected }

/** Where we differ from the recordings on purpose (docs/reference/differences-from-go.md). */
const list: Difference[] = [
  {
    // only the error, nothing is done
    cases: /^(pin-invalid-.*|pin-path-bad-option|unpin-bad-option-still-unpins)$/,
    change: expected => ({ ...expected, text: `${expected.text?.split('\n')[0]}\n` })
  },
  {
    // a wrong method on a known path
    cases: /^(method-.*|delete-pins-root|post-pins-root|head-id|get-add|options-plain|mm-.*|auth-options-exempt|auth-token-get)$/,
    change: () => ({ status: 405, text: '' })
  },
  { cases: /^root-not-found$/, change: () => ({ status: 404 }) },
  { cases: /^add-no-disposition$/, change: () => ({ status: 400 }) },
  // the names of the files of a real DAG are not a fake's business
  { cases: /^auth-custom-headers-add$/, change: ({ text: _text, ...rest }) => rest }
]

export function differences (name: string, expected: Expected): Expected {
  return list.reduce((all, { cases, change }) => cases.test(name) ? change(all) : all, expected)
}
