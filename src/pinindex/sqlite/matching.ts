import { sortedByKey } from '../../model/pin.ts'
import type { NameMatch } from '../../model/pinning-service.ts'

/** Whether a pin's name fits a query: whole or in part, with upper and lower case or without. */
export function nameTest (text: string, match: NameMatch): (name: string) => boolean {
  const folded = text.toLowerCase()
  switch (match) {
    case 'exact': return name => name === text
    case 'partial': return name => name.includes(text)
    case 'iexact': return name => name.toLowerCase() === folded
    case 'ipartial': return name => name.toLowerCase().includes(folded)
  }
}

/** How metadata are stored: JSON, keys sorted; '' when there are none. */
export const metadataText = (metadata: Readonly<Record<string, string>>): string => {
  const text = JSON.stringify(sortedByKey(metadata))
  return text === '{}' ? '' : text
}

/** The test for stored metadata. What can't fit is told by its text alone: each pair is in it as `"key":"value"`. */
export function metadataTest (wanted: Readonly<Record<string, string>>): (stored: string) => boolean {
  const pairs = Object.entries(wanted)
  const texts = pairs.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
  return stored => {
    if (!texts.every(text => stored.includes(text))) return false
    const metadata = stored === '' ? {} : JSON.parse(stored) as Record<string, string>
    return pairs.every(([key, value]) => Object.hasOwn(metadata, key) && metadata[key] === value)
  }
}
