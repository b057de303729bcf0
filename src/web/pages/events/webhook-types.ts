/** What a webhook can be about, in words. */
export const userTypes: ReadonlyArray<{ value: string, label: string, hint: string }> = [
  { value: 'file', label: 'Files', hint: 'added, changed, pinned, failed, deleted' },
  { value: 'pin', label: 'Pins', hint: 'added, changed, pinned, failed, removed' },
  { value: 'task', label: 'Tasks', hint: 'begun, how far they are, done, failed' }
]

/** `file` → "Files"; a type as `pin.status` stays as it is. */
export const typesText = (types: readonly string[]): string =>
  types.length === 0 ? 'Everything' : types.map(type => userTypes.find(({ value }) => value === type)?.label ?? type).join(', ')

/** A mistake in an address that the page can tell by itself. */
export function urlFault (text: string): string | undefined {
  const url = URL.parse(text.trim())
  if (text.trim() === '') return 'Enter the address that the events are sent to.'
  if (url == null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    return 'This is not an address that begins with https:// or http://.'
  }
  return url.username !== '' || url.password !== ''
    ? 'Put no user and password into the address: the signature tells your program who sends.'
    : undefined
}
