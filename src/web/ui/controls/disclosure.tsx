import type { ComponentChildren } from 'preact'
import { Icon } from '../icon.tsx'
import './disclosure.css'

/** Something that opens below its summary. */
export const Disclosure = (
  { summary, open = false, children }: { summary: ComponentChildren, open?: boolean, children?: ComponentChildren }
) =>
  <details class="disclosure" open={open}>
    <summary><Icon name="chevronRight" size={16}/><span>{summary}</span></summary>
    <div class="disclosure__body">{children}</div>
  </details>

/** Terms and their values, side by side where there is room. */
export const DefinitionList = ({ items }: { items: ReadonlyArray<{ term: string, value: ComponentChildren }> }) =>
  <dl class="definitions">
    {items.map(({ term, value }) => <div key={term} class="definitions__item"><dt>{term}</dt><dd>{value}</dd></div>)}
  </dl>
