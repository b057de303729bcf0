import { errorReply } from '../../http/error-dialect.ts'
import type { ErrorDialect } from '../../http/error-dialect.ts'
import type { HeaderList, Reply } from '../../http/answer/reply.ts'
import { jsonReply } from '../../http/answer/reply.ts'
import type { AddedOutput } from '../../model/add.ts'

const wholeHeaders: HeaderList = [['Cache-Control', 'no-cache'], ['Connection', 'close']]
const streamHeaders: HeaderList = [...wholeHeaders, ['X-Chunked-Output', '1']]

export interface AddAnswerInit {
  /** `stream-channels`: a line for each output as it comes, late errors in the trailer. Otherwise one array, or one error. */
  isStream: boolean
  /** An output as JSON, without a newline. */
  print: (output: AddedOutput) => string
  dialect: ErrorDialect
  /** What an error that comes late is to the client. Default: itself. */
  refusalOf?: (err: unknown) => unknown
}

/** The answer to an add that has begun: its options were right, and there is something to add (adder). */
export async function addAnswer (outputs: AsyncIterable<AddedOutput>, init: AddAnswerInit): Promise<Reply> {
  const { isStream, print, dialect, refusalOf = err => err } = init
  if (isStream) return { kind: 'lines', style: 'progress', source: outputLines(outputs, print), headers: streamHeaders }
  const items: string[] = []
  try {
    for await (const output of outputs) items.push(print(output))
    return jsonReply(`[${items.join(',')}]`, 200, wholeHeaders)
  } catch (err) {
    const { status, contentType, text } = errorReply(dialect, refusalOf(err))
    return { kind: 'text', status, contentType, body: text, headers: wholeHeaders }
  }
}

async function * outputLines (
  outputs: AsyncIterable<AddedOutput>, print: AddAnswerInit['print']
): AsyncGenerator<string, void, undefined> {
  for await (const output of outputs) yield `${print(output)}\n`
}
