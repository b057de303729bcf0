import type { IncomingMessage } from 'node:http'
import { STATUS_CODES } from 'node:http'
import { pageEnd, pageHeaders, pageStart, visibleHtml } from '../../../http/answer/html.ts'
import type { HeaderList } from '../../../http/answer/reply.ts'
import { plainAnswer } from '../answer/answers.ts'
import type { Answer } from '../request-context.ts'

/** What the page says, and the headers that belong to the status. */
export interface ErrorFacts { status: number, message: string, headers: HeaderList }

/** What went wrong: a page for browsers, one line of text for everybody else. No cache keeps either. */
export function errorAnswer ({ headers: asked }: Pick<IncomingMessage, 'headers'>, { status, message, headers }: ErrorFacts): Answer {
  if (asked.accept?.includes('text/html') !== true) return plainAnswer(status, message, headers)
  return { status, headers: [...pageHeaders, ...headers], body: errorPage(status, message) }
}

const again = 'Try again in a while. If it never comes, no peer that has this content may be online.'

/** What a visitor can do, by status. */
const advice: Readonly<Record<number, string>> = {
  400: 'Check the address: a CID is easily cut short when it is copied.',
  404: 'Check the address. The folder above it may show what there is.',
  406: 'Ask for the block itself (?format=raw) or for a CAR (?format=car), and read it with a program that knows its kind.',
  410: 'The operator of this gateway decided not to serve it. Others may.',
  412: 'Ask again without only-if-cached.',
  414: 'Ask for a shorter path.',
  416: 'Ask for a range within the content.',
  422: 'The content is damaged or of an unusual kind: whoever published it has to repair it. Its blocks can be had by ?format=raw.',
  429: 'Try again in a few seconds.',
  451: 'The operator of this gateway must not serve it.',
  500: 'The operator of this gateway finds more in its log.',
  501: 'Ask for the block itself (?format=raw), or switch this on in the configuration if the gateway is yours.',
  502: again,
  503: again,
  504: again
}

function errorPage (status: number, message: string): string {
  const title = `${status} ${STATUS_CODES[status] ?? 'Error'}`
  const todo = advice[status]
  return `${pageStart(title)}<h1>${title}</h1>\n<p>${visibleHtml(message)}</p>\n${todo == null ? '' : `<p>${todo}</p>\n`}` +
    `<footer><p>An IPFS gateway of Helia Cluster</p></footer>\n${pageEnd}`
}
