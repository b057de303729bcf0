import type { CID } from '../../model/cid.ts'
import type { GlobalPinInfo } from '../../model/pin-info.ts'
import type { Pin } from '../../model/pin.ts'
import { pinTypes } from '../../model/pin.ts'
import { pinText } from '../../model/pin-json.ts'
import { StatusPrinter } from '../../model/status-printer.ts'

const callsAtATime = 32

/** Pins as JSON lines, a text for each batch. `types`: bits of `pinTypes`; others are left out. */
export async function * allocationLines (batches: AsyncIterable<Pin[]>, types: number): AsyncGenerator<string, void, undefined> {
  for await (const batch of batches) {
    let text = ''
    for (const pin of batch) if ((pinTypes[pin.type] & types) !== 0) text += `${pinText(pin)}\n`
    if (text !== '') yield text
  }
}

/** Asks for each CID, several at a time, in order of their answers. What failed is thrown together at the end, as an AggregateError. */
export async function * cidStatusLines (
  cids: readonly CID[], ask: (cid: CID) => Promise<GlobalPinInfo>
): AsyncGenerator<string, void, undefined> {
  const printer = new StatusPrinter()
  const errors: unknown[] = []
  const running = new Map<number, Promise<{ at: number, line: string }>>()
  const start = (cid: CID, at: number): void => {
    running.set(at, ask(cid).then(
      info => ({ at, line: printer.lines([info]) }),
      err => {
        errors.push(err)
        return { at, line: '' }
      }
    ))
  }
  let next = 0
  while (next < cids.length || running.size > 0) {
    for (let cid = cids[next]; cid != null && running.size < callsAtATime; cid = cids[next]) start(cid, next++)
    const { at, line } = await Promise.race(running.values())
    running.delete(at)
    if (line !== '') yield line
  }
  if (errors.length > 0) throw new AggregateError(errors, errors.map(String).join('\n'))
}
