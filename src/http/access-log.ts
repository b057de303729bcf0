import type { IncomingMessage, ServerResponse } from 'node:http'

/** What a line is about. */
/** `request.originalUrl`: the target as it came, where an API on another one's listener got a shorter one. */
export interface LoggedRequest { request: IncomingMessage, response: ServerResponse, bytesSent: number }

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** One line in Apache's common log format, UTC. The user column is always `-`, as in Go. */
export function commonLogLine (context: LoggedRequest, remote: string, receivedAt: number): string {
  const { request, response } = context
  const url = (request as { originalUrl?: string }).originalUrl ?? request.url
  const quoted = JSON.stringify(`${request.method} ${url} HTTP/${request.httpVersion}`)
  return `${remote} - - [${logTime(receivedAt)}] ${quoted} ${response.statusCode} ${context.bytesSent}`
}

let lastSecond = -1
let lastText = ''

/** Made once a second. */
function logTime (time: number): string {
  const second = Math.floor(time / 1000)
  if (second !== lastSecond) {
    lastSecond = second
    lastText = timeText(new Date(second * 1000))
  }
  return lastText
}

function timeText (date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${two(date.getUTCDate())}/${months[date.getUTCMonth()]}/${date.getUTCFullYear()}`
  return `${day}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`
}
