import { useMemo, useState } from 'preact/hooks'
import { useRouter } from '../../app/router.tsx'
import { webFetch } from '../../data/clients.ts'
import { useQuery } from '../../data/query.ts'
import { Button } from '../../ui/controls/button.tsx'
import { EmptyState } from '../../ui/feedback/empty-state.tsx'
import { Stack, Toolbar } from '../../ui/frame/layout.tsx'
import { QueryResult } from '../../ui/feedback/query-result.tsx'
import { Section } from '../../ui/frame/page.tsx'
import { SearchField } from '../../ui/controls/text-field.tsx'
import type { ApiDocument } from './openapi.ts'
import { found, readDocument } from './openapi.ts'
import { OperationEntry } from './operation-entry.tsx'
import { Prose } from './prose.tsx'

export interface ApiReferenceProps {
  /** Where the API serves its OpenAPI document. */
  document: string
  /** What the document's paths stand under. */
  base?: string
}

/** All that an API says of itself, with a form to try each call. */
export function ApiReference ({ document: address, base = '' }: ApiReferenceProps) {
  const told = useQuery(`docs ${address}`, async signal => readDocument(await (await askFor(address, signal)).json()), { keepMs: 600_000 })
  return <QueryResult query={told}>{document => <Document document={document} address={address} base={base} />}</QueryResult>
}

async function askFor (address: string, signal: AbortSignal): Promise<Response> {
  const response = await webFetch(address, { signal })
  if (!response.ok) throw new Error(`The document of this API can’t be read (${response.status}).`)
  return response
}

function Document ({ document, address, base }: { document: ApiDocument, address: string, base: string }) {
  const { hash } = useRouter()
  const [wanted, setWanted] = useState('')
  const groups = useMemo(() => found(document, wanted), [document, wanted])
  const open = decodeURIComponent(hash.replace(/^#/, ''))
  return (
    <Stack gap="wide">
      {document.about !== '' && <Prose text={document.about} />}
      <Toolbar label="Reference">
        <SearchField label="Search calls" value={wanted} onChange={setWanted} placeholder="Path or what it does" />
        <Button kind="quiet" icon="download" href={address} download="openapi.json">OpenAPI document</Button>
      </Toolbar>
      {groups.length === 0 && <EmptyState title="No such call" icon="search">No path and no description has “{wanted}” in it.</EmptyState>}
      {groups.map(({ name, operations }) => (
        <Section key={name} title={name}>
          <div class="api-calls">
            {operations.map(operation => <OperationEntry key={operation.id} operation={operation}
              schemas={document.schemas} base={base} isOpen={open === operation.id}/>)}
          </div>
        </Section>
      ))}
    </Stack>
  )
}
