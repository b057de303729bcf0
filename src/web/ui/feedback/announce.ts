/** Says something to readers, without showing it. */
export function announce (text: string): void {
  const region = regionOf()
  // the same text again is news, too
  region.textContent = ''
  setTimeout(() => { region.textContent = text }, 50)
}

function regionOf (): HTMLElement {
  const found = document.getElementById('announcements')
  if (found != null) return found
  const made = document.createElement('div')
  made.id = 'announcements'
  made.className = 'visually-hidden'
  made.setAttribute('role', 'status')
  document.body.append(made)
  return made
}
