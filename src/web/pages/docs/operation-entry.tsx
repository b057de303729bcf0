import { useEffect, useRef, useState } from 'preact/hooks'
import { Badge } from '../../ui/display/badge.tsx'
import { Button } from '../../ui/controls/button.tsx'
import { CodeBlock } from '../../ui/controls/copy.tsx'
import { Stack } from '../../ui/frame/layout.tsx'
import { Table } from '../../ui/display/table.tsx'
import type { Answer, Body, Operation, Row, Schema, Schemas } from './openapi.ts'
import { exampleOf, kindText, rowsOf } from './openapi.ts'
import { Prose } from './prose.tsx'
import { TryIt } from './try-it.tsx'

export interface OperationProps { operation: Operation, schemas: Schemas, base: string, isOpen: boolean }

/** One call. What is inside is drawn when it is opened: a document has a hundred of them. */
export function OperationEntry ({ operation, schemas, base, isOpen: isOpenAtFirst }: OperationProps) {
  const { id, method, path, summary } = operation
  const [isOpen, setOpen] = useState(isOpenAtFirst)
  const element = useRef<HTMLDetailsElement>(null)
  // the document came after the browser looked for what the address names
  useEffect(() => { if (isOpenAtFirst) element.current?.scrollIntoView({ block: 'start' }) }, [isOpenAtFirst])
  return (
    <details ref={element} class="api-call" id={id} open={isOpen} onToggle={event => setOpen(event.currentTarget.open)}>
      <summary class="api-call__summary">
        <span class={`api-method api-method--${method.toLowerCase()}`}>{method}</span>
        <code class="api-call__path">{base}{path}</code>
        <span class="api-call__about">{summary.replace(/\.$/, '')}</span>
      </summary>
      {isOpen && <div class="api-call__inside"><Inside operation={operation} schemas={schemas} base={base} /></div>}
    </details>
  )
}

function Inside ({ operation, schemas, base }: Omit<OperationProps, 'isOpen'>) {
  const { about, isOpen, parameters, body, answers } = operation
  const [isTrying, setTrying] = useState(false)
  return (
    <Stack>
      {about !== '' && <Prose text={about} />}
      {isOpen && <p><Badge tone="info">No key needed</Badge></p>}
      {parameters.length > 0 && <Fields title="Parameters"
        rows={parameters.map((
          { name, place, isRequired, about: text, schema }
        ) => ({ name, kind: `${kindText(schema, schemas)}, in the ${place}`, isRequired, about: text }))}/>}
      {body != null && <BodyOf body={body} schemas={schemas} />}
      <AnswersOf answers={answers} schemas={schemas} />
      {isTrying ? <TryIt operation={operation} schemas={schemas} base={base} onClose={() => setTrying(false)} /> : <div>
        <Button icon="play" onClick={() => setTrying(true)}>Try it</Button>
      </div>}
    </Stack>
  )
}

/** h3 and h4 would make a forest of headings: the parts of a call have labels. */
const Part = ({ children }: { children: string }) => <p class="api-part">{children}</p>

function Fields ({ title, rows }: { title: string, rows: readonly Row[] }) {
  return (
    <div>
      <Part>{title}</Part>
      <Table
        caption={title}
        dense
        rows={rows}
        keyOf={row => row.name}
        columns={[
          {
            id: 'name', label: 'Name', isMain: true,
            cell: row => <><code>{row.name}</code>{row.isRequired && <span class="api-required"> required</span>}</>
          },
          { id: 'kind', label: 'Is', cell: row => row.kind },
          { id: 'about', label: 'About', cell: row => <Prose text={row.about} /> }
        ]}
      />
    </div>
  )
}

function BodyOf ({ body: { contentType, about, schema }, schemas }: { body: Body, schemas: Schemas }) {
  const isJson = contentType === 'application/json'
  return (
    <Stack>
      {schema != null && <Fields title={`Body, ${contentType}`} rows={rowsOf(schema, schemas)} />}
      {schema == null && <p>The body is <code>{contentType}</code>. {about}</p>}
      {isJson && schema != null && <CodeBlock label="Example of the body" language="json" code={jsonOf(schema, schemas)} />}
    </Stack>
  )
}

const jsonOf = (schema: Schema, schemas: Schemas): string => JSON.stringify(exampleOf(schema, schemas), null, 2)

function AnswersOf ({ answers, schemas }: { answers: readonly Answer[], schemas: Schemas }) {
  const good = answers.find(({ status, schema }) => status.startsWith('2') && schema != null)
  return (
    <Stack>
      <div>
        <Part>Answers</Part>
        <ul class="api-answers">
          {answers.map(({ status, about, contentType }) => (
            <li key={status}>
              <Badge tone={status.startsWith('2') ? 'good' : status.startsWith('3') ? 'info' : 'neutral'}>{status}</Badge>
              <Prose text={contentType == null || contentType === 'application/json' ? about : `${about} (${contentType})`} />
            </li>
          ))}
        </ul>
      </div>
      {good?.schema != null && <CodeBlock label={`Example of the answer ${good.status}`} language="json" code={jsonOf(good.schema, schemas)} />}
    </Stack>
  )
}
