import { Link } from '../../app/router.tsx'
import { bytesText, countText, exactBytes, exactTime, msOfTime, relativeText, shortCid, shownName, timeText } from '../../data/format.ts'
import { useNow } from '../../data/hooks.ts'
import { CopyButton } from '../controls/copy.tsx'

/** A CID, short unless asked otherwise, the whole of it in its title and to copy. */
export function Cid ({ cid, to, short = true, copy = true }: { cid: string, to?: string, short?: boolean, copy?: boolean }) {
  const text = <code title={cid}>{short ? shortCid(cid) : cid}</code>
  return <span class="cid">
    {to == null ? text : <Link to={to}>{text}</Link>}
    {copy && <CopyButton text={cid} label="Copy CID" iconOnly/>}
  </span>
}

/** "1.4 GiB"; the exact number on hover. */
export const Bytes = ({ value }: { value: number | null | undefined }) =>
  value == null ? <span title="not known">–</span> : <data value={value} title={exactBytes(value)}>{bytesText(value)}</data>

/** A count with the reader's separators. */
export const Count = ({ value }: { value: number }) => <data value={value}>{countText(value)}</data>

/** "3 min ago", or "12 Mar, 14:05"; the exact time on hover. */
export function Time (
  { at, relative = true, never = 'never' }: { at: number | string | null | undefined, relative?: boolean, never?: string }
) {
  const now = useNow()
  const ms = msOfTime(at)
  if (ms == null) return <span>{never}</span>
  // what is long ago is better told by its day
  const isNear = Math.abs(now - ms) < 2 * 86_400_000
  return <time dateTime={new Date(ms).toISOString()} title={exactTime(ms)}>
    {relative && isNear ? relativeText(ms, { now }) : timeText(ms, { now })}
  </time>
}

/** A name of somebody else's: it can hold anything, and only shows. */
export function Name ({ text, to }: { text: string, to?: string }) {
  const shown = <bdi class="name">{shownName(text)}</bdi>
  return to == null ? shown : <Link to={to}>{shown}</Link>
}
