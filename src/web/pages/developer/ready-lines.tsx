import { ownOrigin } from '../../app/site.ts'
import { useState } from 'preact/hooks'
import { CodeBlock } from '../../ui/controls/copy.tsx'
import { Stack } from '../../ui/frame/layout.tsx'
import { Tabs } from '../../ui/controls/tabs.tsx'
import { keyPlace, readyLines } from './lines.ts'

/** Lines to copy; with a key in them only while that is shown for the first time. */
export function ReadyLines ({ apiKey = keyPlace }: { apiKey?: string }) {
  const all = readyLines({ origin: ownOrigin(), key: apiKey })
  const [active, setActive] = useState(all[0]?.name ?? '')
  const shown = all.find(({ name }) => name === active) ?? all[0]
  return (
    <Tabs label="Ready-made lines" tabs={all.map(({ name }) => ({ id: name, label: name }))} active={active} onChange={setActive}>
      {shown != null && (
        <Stack>
          <p class="ready-lines__about">{shown.about}</p>
          <CodeBlock code={shown.text} label={`Lines for ${shown.name}`} />
        </Stack>
      )}
    </Tabs>
  )
}
