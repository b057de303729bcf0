import type { ComponentChildren } from 'preact'
import { percentText } from '../../data/format.ts'
import { useId } from '../../data/hooks.ts'
import type { Tone } from '../tone.ts'
import './progress.css'

export interface ProgressProps {
  label: string
  /** Absent: not known. */
  value?: number | undefined
  max?: number
  text?: ComponentChildren
  tone?: Tone
  hideLabel?: boolean
}

/** How far something is. */
export function Progress ({ label, value, max = 1, text, tone = 'info', hideLabel = false }: ProgressProps) {
  const id = useId()
  const share = value == null ? undefined : max <= 0 ? 1 : Math.min(1, Math.max(0, value / max))
  return <div class={`progress progress--${tone}`}>
    <div class={hideLabel && text == null ? 'visually-hidden' : 'progress__words'}>
      <span id={id} class={hideLabel ? 'visually-hidden' : undefined}>{label}</span>
      {text != null && <span class="progress__text">{text}</span>}
    </div>
    <div class={share == null ? 'progress__track progress__track--unknown' : 'progress__track'} role="progressbar"
      aria-labelledby={id} aria-valuemin={0} aria-valuemax={100}
      aria-valuenow={share == null ? undefined : Math.round(share * 100)}>
      <div class="progress__bar" style={share == null ? undefined : { width: `${share * 100}%` }}/>
    </div>
  </div>
}

export interface MeterProps {
  label: string
  value: number
  max: number
  text?: ComponentChildren
  warnAt?: number
  badAt?: number
  hideLabel?: boolean
}

/** How full something is. */
export function Meter ({ label, value, max, text, warnAt = 0.8, badAt = 0.95, hideLabel = false }: MeterProps) {
  const id = useId()
  const share = max <= 0 ? (value > 0 ? 1 : 0) : Math.min(1, value / max)
  const tone: Tone = share >= badAt ? 'bad' : share >= warnAt ? 'warn' : 'good'
  return <div class={`progress progress--${tone}`}>
    <div class="progress__words"><span id={id} class={hideLabel ? 'visually-hidden' : undefined}>{label}</span><span class="progress__text">{text ?? percentText(share)}</span></div>
    <div class="progress__track" role="meter" aria-labelledby={id} aria-valuemin={0} aria-valuemax={max}
      aria-valuenow={Math.min(value, max)} aria-valuetext={percentText(share)}>
      <div class="progress__bar" style={{ width: `${share * 100}%` }}/>
    </div>
  </div>
}
