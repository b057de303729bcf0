const unitBytes: Readonly<Record<string, number>> = {
  '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12, ki: 2 ** 10, mi: 2 ** 20, gi: 2 ** 30, ti: 2 ** 40
}

/** Bytes of `20MB`, `512KiB`, `1000000`; undefined for anything else. */
export function byteSize (text: string): number | undefined {
  const [, number = '', prefix = ''] = /^(\d+(?:\.\d+)?)\s*(?:([kmgt]i?)?b)?$/i.exec(text) ?? []
  const unit = unitBytes[prefix.toLowerCase()]
  return number === '' || unit == null ? undefined : Math.round(Number(number) * unit)
}
