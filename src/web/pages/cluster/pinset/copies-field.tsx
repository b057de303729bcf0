import { Radios } from '../../../ui/controls/choices.tsx'
import { Row } from '../../../ui/frame/layout.tsx'
import { TextField } from '../../../ui/controls/text-field.tsx'

/** The two replication factors as a form has them: texts until they are sent. */
export interface Copies { kind: 'default' | 'everywhere' | 'some', min: string, most: string }

export interface CopiesFieldProps { value: Copies, onChange: (value: Copies) => void, error?: string | undefined, withDefault?: boolean }

/** On how many peers a pin shall be. */
export function CopiesField ({ value, onChange, error, withDefault = false }: CopiesFieldProps) {
  return <>
    <Radios legend="On how many peers" value={value.kind} onChange={kind => onChange({ ...value, kind })} options={[
      ...(withDefault ? [{ value: 'default' as const, label: 'As the peer is configured' }] : []),
      { value: 'everywhere', label: 'On every peer' },
      { value: 'some', label: 'On some', hint: 'The cluster chooses peers with free space, and finds others when one goes missing.' }
    ]}/>
    {value.kind === 'some' && <Row>
      <TextField label="At least" type="number" min={1} value={value.min} onChange={min => onChange({ ...value, min })} error={error}/>
      <TextField label="At most" type="number" min={1} value={value.most} onChange={most => onChange({ ...value, most })}/>
    </Row>}
  </>
}

/** For the API: 0 is the peer's default, -1 every peer. */
export function factorsOf ({ kind, min, most }: Copies): { replicationFactorMin: number, replicationFactorMax: number } {
  if (kind === 'some') return { replicationFactorMin: Number(min), replicationFactorMax: Number(most) }
  const factor = kind === 'everywhere' ? -1 : 0
  return { replicationFactorMin: factor, replicationFactorMax: factor }
}
