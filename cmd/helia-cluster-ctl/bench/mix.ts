/** What a load is made of. */
export const operations = ['add', 'pin', 'status', 'list', 'unpin'] as const
/** A kind of request that the bench makes. */
export type Operation = typeof operations[number]

/** How often each operation is chosen, relative to the others. */
export type Mix = Readonly<Record<Operation, number>>

/** `add=10,pin=30`: what isn't named isn't done. Throws an Error that says what is wrong with the text. */
export function parseMix (text: string): Mix {
  const mix: Record<Operation, number> = { add: 0, pin: 0, status: 0, list: 0, unpin: 0 }
  const named = new Set<Operation>()
  for (const part of text.split(',')) {
    const [, name = '', number = ''] = /^\s*(\w+)\s*=\s*(\d+(?:\.\d+)?)\s*$/.exec(part) ?? []
    if (name === '') throw new Error(`"${part}" is not of the form ${operations[0]}=10`)
    const operation = operations.find(one => one === name)
    if (operation == null) throw new Error(`"${name}" is none of ${operations.join(', ')}`)
    if (named.has(operation)) throw new Error(`"${name}" is there twice`)
    named.add(operation)
    mix[operation] = Number(number)
  }
  if (operations.every(one => mix[one] === 0)) throw new Error('nothing is left to do')
  return mix
}

/** The mix as it is typed, in one order. */
export const mixText = (mix: Mix): string => operations.filter(one => mix[one] > 0).map(one => `${one}=${mix[one]}`).join(',')

/** The operation that a number from 0 to 1 (exclusive) stands for: each has a part of that length as its weight is. */
export function operationAt (mix: Mix, position: number): Operation {
  const possible = operations.filter(one => mix[one] > 0)
  let left = position * possible.reduce((sum, one) => sum + mix[one], 0)
  for (const one of possible) {
    left -= mix[one]
    if (left < 0) return one
  }
  return possible.at(-1) ?? operations[0]
}
