const units: Readonly<Record<string, number>> = {
  '': 1, b: 1, k: 1e3, kb: 1e3, m: 1e6, mb: 1e6, g: 1e9, gb: 1e9, t: 1e12, tb: 1e12, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40
}

/** Whole bytes of `20MB`, `512KiB`, `1.5 GB`, `1000000`; undefined for anything else, for half a byte and for more than 2^53 - 1. */
export function byteSize (text: string): number | undefined {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text) ?? []
  const factor = units[unit.toLowerCase()]
  if (number === '' || factor == null || (factor === 1 && !Number.isInteger(Number(number)))) return undefined
  const bytes = Math.floor(Number(number) * factor)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
