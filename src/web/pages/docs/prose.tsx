/** Texts of the documents have code between backticks. */
export function Prose ({ text }: { text: string }) {
  return <p class="api-prose">{text.split(/`([^`]+)`/).map((part, at) => at % 2 === 1 ? <code key={at}>{part}</code> : part)}</p>
}
