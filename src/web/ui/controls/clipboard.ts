/** Puts a text where it can be pasted. Plain HTTP from another machine has no clipboard of its own: the old way works there. */
export async function copyText (text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copyByHand(text)
  }
}

function copyByHand (text: string): boolean {
  const before = document.activeElement
  const field = document.createElement('textarea')
  field.value = text
  field.className = 'visually-hidden'
  // a modal dialog lets nothing outside of it be selected
  const place = document.querySelector('dialog[open]') ?? document.body
  place.append(field)
  field.select()
  let isDone = false
  try { isDone = document.execCommand('copy') } catch { /* tells so */ }
  field.remove()
  if (before instanceof HTMLElement) before.focus()
  return isDone
}
