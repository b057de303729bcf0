import { useEffect, useRef, useState } from 'preact/hooks'
import { site, ownOrigin } from '../../app/site.ts'
import { useSession } from '../../app/session.ts'
import { webFetch } from '../../data/clients.ts'
import { errorText } from '../../data/errors.ts'
import { useAction } from '../../data/query.ts'
import { Badge } from '../../ui/display/badge.tsx'
import { Button } from '../../ui/controls/button.tsx'
import { Radios, Select } from '../../ui/controls/choices.tsx'
import { CodeBlock } from '../../ui/controls/copy.tsx'
import { Disclosure } from '../../ui/controls/disclosure.tsx'
import { Field } from '../../ui/controls/field.tsx'
import { Form } from '../../ui/controls/form.tsx'
import { Row, Stack } from '../../ui/frame/layout.tsx'
import { Notice } from '../../ui/feedback/notice.tsx'
import { TextArea, TextField } from '../../ui/controls/text-field.tsx'
import { exactBytes } from '../../data/format.ts'
import type { Shown } from './try-request.ts'
import { tryRequest } from './try-request.ts'
import type { Operation, Parameter, Schemas } from './openapi.ts'
import { choices, exampleOf, kindText } from './openapi.ts'
import type { Filled } from './request.ts'
import { addressOf, curlOf, jsonFault, missing, requestOf } from './request.ts'
import { keyPlace } from '../developer/lines.ts'

export interface TryItProps { operation: Operation, schemas: Schemas, base: string, onClose: () => void }

/** The key that was typed last: for the next call of the same reader. It leaves with the page. */
let typedKey = ''

/** A form for one call, and the answer to it. */
export function TryIt ({ operation, schemas, base, onClose }: TryItProps) {
  const [filled, setFilled] = useState<Filled>(() => ({ parameters: {}, body: bodyAtFirst(operation, schemas), file: null }))
  const [by, setBy] = useCredentials(operation)
  const [fault, setFault] = useState<string | null>(null)
  const call = useCall()
  const key = by.kind === 'key' ? by.key.trim() : null
  const send = async (): Promise<void> => {
    const wrong = faultOf(operation, filled) ?? (key === '' ? 'Type the key, or send it with your login.' : null)
    setFault(wrong)
    if (wrong == null) await call.run(addressOf(operation, filled, base), requestOf(operation, filled, { key }), { isWithKey: key != null })
  }

  return (
    <div class="api-try">
      <Form onSubmit={send} error={fault ?? (call.error == null ? undefined : errorText(call.error))}>
        {operation.method !== 'GET' && <Notice tone="warn">This is the real thing: what you send is done.</Notice>}
        {!operation.isOpen && site.kind === 'service' && base === '' && <CredentialsFields by={by} onChange={setBy} />}
        {operation.parameters.length > 0 && (
          <div class="api-try__fields">
            {operation.parameters.map(parameter => (
              <ParameterField
                key={parameter.name} parameter={parameter} schemas={schemas} value={filled.parameters[parameter.name] ?? ''}
                onChange={value => setFilled({ ...filled, parameters: { ...filled.parameters, [parameter.name]: value } })}
              />
            ))}
          </div>
        )}
        <BodyField operation={operation} filled={filled} onChange={setFilled} />
        <Row gap="tight">
          <Button kind="primary" type="submit" icon="play" isBusy={call.isRunning && call.shown == null} disabled={call.isRunning}>
            Send
          </Button>
          {call.isRunning && <Button icon="stop" onClick={call.stop}>Stop</Button>}
          <Button kind="quiet" onClick={onClose}>Close</Button>
        </Row>
      </Form>
      {call.shown != null && <AnswerOf shown={call.shown} />}
      <Disclosure summary="The same with curl">
        <CodeBlock label="The call with curl" code={curlOf(operation, filled, { origin: ownOrigin(), base, key: keyPlace })} />
      </Disclosure>
    </div>
  )
}

function bodyAtFirst ({ body }: Operation, schemas: Schemas): string {
  if (body?.contentType !== 'application/json' || body.schema == null) return ''
  return JSON.stringify(exampleOf(body.schema, schemas, { isRequiredOnly: true }), null, 2)
}

function faultOf (operation: Operation, filled: Filled): string | null {
  const names = missing(operation, filled)
  if (names.length > 0) return `Fill in ${names.join(' and ')}.`
  const json = operation.body?.contentType === 'application/json' ? jsonFault(filled.body) : null
  return json == null ? null : `The body is not valid JSON: ${json}`
}

type Credentials = { kind: 'session' } | { kind: 'key', key: string }

/** The login, where there is one; else a key. */
function useCredentials ({ isOpen }: Operation): [Credentials, (by: Credentials) => void] {
  const session = useSession()
  const [by, setBy] = useState<Credentials>(
    session.kind === 'guest' && !isOpen && site.kind === 'service' ? { kind: 'key', key: typedKey } : { kind: 'session' }
  )
  return [by, changed => {
    if (changed.kind === 'key') typedKey = changed.key
    setBy(changed)
  }]
}

function CredentialsFields ({ by, onChange }: { by: Credentials, onChange: (by: Credentials) => void }) {
  return (
    <Row gap="wide" align="start" wrap>
      <Radios
        legend="Send it with" inline value={by.kind} onChange={kind => onChange(kind === 'key' ? { kind, key: typedKey } : { kind })}
        options={[{ value: 'session', label: 'your login' }, { value: 'key', label: 'an API key' }]}
      />
      {by.kind === 'key' && <TextField label="API key" value={by.key} onChange={key => onChange({ kind: 'key', key })}
        placeholder="ak_…" mono autocomplete="off" spellcheck={false}/>}
    </Row>
  )
}

interface ParameterProps { parameter: Parameter, schemas: Schemas, value: string, onChange: (value: string) => void }

function ParameterField ({ parameter: { name, isRequired, about, schema }, schemas, value, onChange }: ParameterProps) {
  const { schema: one } = choices(schema, schemas)
  const values = one.type === 'boolean' ? ['true', 'false'] : one.enum?.map(String)
  const hint = about === '' ? kindText(schema, schemas) : about.replaceAll('`', '')
  if (values != null) return <Select label={name} value={value} onChange={onChange} hint={hint} options={[{ value: '', label: 'not said' }, ...values.map(text => ({ value: text, label: text }))]} />
  return <TextField label={name} value={value} onChange={onChange} hint={hint} optional={!isRequired} autocomplete="off" spellcheck={false} mono {...(one.type === 'integer' ? { inputMode: 'numeric' as const } : {})} />
}

function BodyField ({ operation: { body }, filled, onChange }: { operation: Operation, filled: Filled, onChange: (filled: Filled) => void }) {
  if (body == null) return null
  if (body.contentType === 'application/json') return <TextArea label="Body" value={filled.body} onChange={text => onChange({ ...filled, body: text })} rows={Math.min(16, filled.body.split('\n').length + 1)} mono spellcheck={false} hint="JSON" />
  return (
    <Field label="File" hint={body.contentType}>
      {({ id, describedBy }) => <input type="file" id={id} aria-describedby={describedBy} onChange={event => onChange({ ...filled, file: event.currentTarget.files?.[0] ?? null })} />}
    </Field>
  )
}

/** One call at a time; it ends with the form. */
function useCall () {
  const [shown, setShown] = useState<Shown | null>(null)
  const abort = useRef<AbortController | null>(null)
  useEffect(() => () => abort.current?.abort(), [])
  const action = useAction(async (address: string, init: RequestInit, { isWithKey }: { isWithKey: boolean }) => {
    abort.current?.abort()
    const own = new AbortController()
    abort.current = own
    setShown(null)
    // a key that is refused says nothing of the reader's own login
    const send = isWithKey ? (input: RequestInfo | URL, options?: RequestInit) => globalThis.fetch(input, options) : webFetch
    try {
      await tryRequest(address, init, { fetch: send, signal: own.signal, onShown: answer => { if (abort.current === own) setShown(answer) } })
    } catch (err) {
      if (!own.signal.aborted) throw err
    }
  }, { failed: () => {} })
  return { ...action, shown, stop: () => abort.current?.abort() }
}

function AnswerOf ({ shown: { status, statusText, headers, text, bytes, isOpen, isCut } }: { shown: Shown }) {
  return (
    <Stack>
      <p class="api-answer" role="status">
        <Badge tone={status < 300 ? 'good' : status < 400 ? 'info' : 'bad'}>{status} {statusText}</Badge>
        <span>{exactBytes(bytes)}{isOpen ? ' so far' : isCut ? ', not read to the end' : ''}</span>
      </p>
      {text == null ? <p>The answer is no text, so it isn’t shown.</p> : text !== '' && <CodeBlock label="Answer" code={text} />}
      <Disclosure summary="Headers of the answer">
        <CodeBlock label="Headers" code={headers.map(([name, value]) => `${name}: ${value}`).join('\n')} />
      </Disclosure>
    </Stack>
  )
}
