import { useEffect, useRef, useState } from 'preact/hooks'
import { dayText, timeText } from '../../data/format.ts'
import { useId, useNow } from '../../data/hooks.ts'
import { nearestIndex, ticksFor } from './chart-scale.ts'
import type { ChartPoint } from './chart-scale.ts'
import type { Tone } from '../tone.ts'
import './chart.css'

/** A line and what it is called. */
export interface ChartSeries { label: string, points: readonly ChartPoint[] }
export interface TimeChartProps {
  title: string
  series: readonly ChartSeries[]
  format: (value: number) => string
  kind?: 'line' | 'bar'
  height?: number
  /** The axis has sizes in bytes. */
  isBytes?: boolean
  /** Times of the day matter, not only days. */
  withTime?: boolean
}

const left = 64
const bottom = 24
const top = 8
const right = 8

/** Values over time. Hovering and arrow keys read single ones; readers get a table. */
export function TimeChart ({ title, series, format, kind = 'line', height = 180, isBytes = false, withTime = false }: TimeChartProps) {
  const box = useRef<HTMLDivElement>(null)
  const width = useWidth(box)
  const now = useNow()
  const caption = useId()
  const [picked, setPicked] = useState<number | null>(null)
  const points = series[0]?.points ?? []
  const isEmpty = series.every(one => one.points.every(({ value }) => value === 0))
  const ticks = ticksFor(Math.max(0, ...series.flatMap(one => one.points.map(({ value }) => value))), { isBinary: isBytes })
  const scale = scaleOf({ points, width, height, most: ticks.at(-1) ?? 1, kind })
  const when = (at: number): string => withTime ? timeText(at, { now }) : dayText(at, { now })
  const move = (event: KeyboardEvent): void => {
    const to = { ArrowRight: (picked ?? -1) + 1, ArrowLeft: (picked ?? points.length) - 1, Home: 0, End: points.length - 1 }[event.key]
    if (to == null || points.length === 0) return
    event.preventDefault()
    setPicked(Math.min(points.length - 1, Math.max(0, to)))
  }
  const current = picked == null ? undefined : points[picked]
  return <figure class="chart" aria-labelledby={caption}>
    <figcaption class="chart__head">
      <span id={caption} class="chart__title">{title}</span>
      {current == null
        ? series.length > 1 && <Legend series={series}/>
        : <span class="chart__reading" role="status">{when(current.at)}: {series.map(one => `${series.length > 1 ? `${one.label} ` : ''}${format(one.points[picked ?? 0]?.value ?? 0)}`).join(', ')}</span>}
    </figcaption>
    <div ref={box} class="chart__box" role="group" aria-label={`${title}: left and right arrows read single values`} tabIndex={0}
      onKeyDown={move} onBlur={() => setPicked(null)}
      onPointerMove={event => setPicked(
        points.length === 0 ? null : nearestIndex(points, scale.timeAt(event.clientX - event.currentTarget.getBoundingClientRect().left))
      )} onPointerLeave={() => setPicked(null)}>
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
        {ticks.map(tick => <g key={tick}>
          <line class="chart__grid" x1={left} x2={width - right} y1={scale.y(tick)} y2={scale.y(tick)}/>
          <text class="chart__tick" x={left - 8} y={scale.y(tick) + 4} text-anchor="end">{format(tick)}</text>
        </g>)}
        {timeTicks(points, width).map((point, at, all) => <text key={point.at} class="chart__tick" x={scale.x(point.at)}
          y={height - 6}
          text-anchor={all.length === 1 ? 'middle' : at === 0 ? 'start' : at === all.length - 1 ? 'end' : 'middle'}>
          {when(point.at)}
        </text>)}
        {series.map((one, at) => kind === 'bar'
          ? <g key={one.label} class={`chart__fill--${at + 1}`}>
            {one.points.map((point, index) => <rect key={point.at}
              class={index === picked ? 'chart__bar chart__bar--picked' : 'chart__bar'}
              x={scale.x(point.at) - scale.bar / 2} width={scale.bar} y={scale.y(point.value)}
              height={Math.max(0, scale.y(0) - scale.y(point.value))} rx="2"/>)}
          </g>
          : <g key={one.label}>
            {series.length === 1 && one.points.length > 1 && <path class={`chart__area chart__fill--${at + 1}`} d={`${lineOf(one.points, scale)}L${scale.x(one.points.at(-1)?.at ?? 0)} ${scale.y(0)}L${scale.x(one.points[0]?.at ?? 0)} ${scale.y(0)}z`}/>}
            <path class={`chart__line chart__stroke--${at + 1}`} d={lineOf(one.points, scale)}/>
            {picked != null && one.points[picked] != null && <circle class={`chart__fill--${at + 1}`}
              cx={scale.x(one.points[picked].at)} cy={scale.y(one.points[picked].value)} r="4"/>}
          </g>)}
      </svg>
      {isEmpty && <p class="chart__nothing">Nothing in this time</p>}
    </div>
    <ReadersTable title={title} series={series} format={format} when={when}/>
  </figure>
}

function Legend ({ series }: Pick<TimeChartProps, 'series'>) {
  return <span class="chart__legend">
    {series.map((one, at) => <span key={one.label}><i class={`chart__swatch chart__fill--${at + 1}`}/>{one.label}</span>)}
  </span>
}

/** The same values for who doesn't see the picture. */
function ReadersTable (
  { title, series, format, when }: Pick<TimeChartProps, 'title' | 'series' | 'format'> & { when: (at: number) => string }
) {
  return <div class="visually-hidden"><table>
    <caption>{title}</caption>
    <thead><tr><th scope="col">When</th>{series.map(one => <th key={one.label} scope="col">{one.label}</th>)}</tr></thead>
    <tbody>{(series[0]?.points ?? []).map((point, at) => <tr key={point.at}>
      <th scope="row">{when(point.at)}</th>{series.map(one => <td key={one.label}>{format(one.points[at]?.value ?? 0)}</td>)}
    </tr>)}</tbody>
  </table></div>
}

interface Scale { x: (at: number) => number, y: (value: number) => number, timeAt: (x: number) => number, bar: number }

function scaleOf (
  {
    points, width, height, most, kind
  }: { points: readonly ChartPoint[], width: number, height: number, most: number, kind: 'line' | 'bar' }
): Scale {
  const first = points[0]?.at ?? 0
  const span = Math.max(1, (points.at(-1)?.at ?? 1) - first)
  const room = Math.max(1, width - left - right)
  const slot = room / Math.max(1, points.length)
  // bars need half their width at both ends
  const inset = kind === 'bar' ? slot / 2 : 0
  const inner = Math.max(1, room - 2 * inset)
  return {
    x: at => left + inset + (points.length < 2 ? inner / 2 : (at - first) / span * inner),
    y: value => top + (height - top - bottom) * (1 - value / most),
    timeAt: x => first + (x - left - inset) / inner * span,
    bar: Math.max(1, Math.min(28, slot * 0.7))
  }
}

const lineOf = (
  points: readonly ChartPoint[], scale: Scale
): string => points.map(({ at, value }, index) => `${index === 0 ? 'M' : 'L'}${scale.x(at).toFixed(1)} ${scale.y(value).toFixed(1)}`).join('')

/** As many as can be read. */
function timeTicks (points: readonly ChartPoint[], width: number): ChartPoint[] {
  const count = Math.min(points.length, Math.max(2, Math.floor((width - left) / 110)))
  if (count < 2) return [...points]
  return Array.from({ length: count }, (_, at) => points[Math.round(at * (points.length - 1) / (count - 1))]).filter(point => point != null)
}

function useWidth (box: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(600)
  useEffect(() => {
    if (box.current == null) return undefined
    const watch = new ResizeObserver(([entry]) => { if (entry != null) setWidth(Math.max(160, Math.floor(entry.contentRect.width))) })
    watch.observe(box.current)
    return () => watch.disconnect()
  }, [])
  return width
}

/** The parts of a whole, side by side, with their numbers. */
export function Breakdown (
  {
    label, parts, format = String
  }: { label: string, parts: ReadonlyArray<{ label: string, value: number, tone: Tone }>, format?: (value: number) => string }
) {
  const shown = parts.filter(({ value }) => value > 0)
  return <div class="breakdown" role="group" aria-label={label}>
    <div class="breakdown__track" aria-hidden="true">
      {shown.map(part => <span key={part.label} class={`breakdown__part breakdown__part--${part.tone}`} style={{ flexGrow: part.value }}/>)}
    </div>
    <ul class="breakdown__list">{parts.map(part => <li key={part.label}><i class={`breakdown__dot breakdown__part--${part.tone}`}/>{part.label} <strong>{format(part.value)}</strong></li>)}</ul>
  </div>
}
