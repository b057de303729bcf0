/** Node's HTTP parser, as far as it is used here. Its callbacks stand under the numbers that its class names. */
interface Parser {
  initialize (type: number, resource: object, maxHeaderBytes: number, lenientFlags: number): void
  /** Bytes that were read, or what is wrong with them. */
  execute (bytes: Uint8Array): number | Error
  close (): void
  [callback: number]: ((...args: never[]) => unknown) | undefined
}

/** The class of Node's HTTP parsers, found at a connection that has one. */
export interface ParserClass {
  new (): Parser
  readonly REQUEST: number
  readonly kOnBody: number
  readonly kOnMessageComplete: number
}

const numbers = ['REQUEST', 'kOnBody', 'kOnMessageComplete'] as const

/** The class of this parser; undefined when it isn't one as it is known here. */
export function parserClassOf (parser: object | null | undefined): ParserClass | undefined {
  const found = parser?.constructor as Partial<ParserClass> | undefined
  return typeof found === 'function' && numbers.every(name => typeof found[name] === 'number') ? found as ParserClass : undefined
}

export interface ChunkParserInit {
  /** What a parser at the beginning of a chunk has to be given first. Content in it was taken before. */
  unread: Uint8Array
  maxHeaderBytes: number
}

const head = Buffer.from('POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n')

/**
 * The rest of a body in chunks, from the beginning of any chunk on, by a parser of Node's: extensions, trailers, their limits and faults
 * are as everywhere else on the server.
 */
export class ChunkParser {
  readonly #parser: Parser
  #content: (bytes: Buffer) => void = () => {}
  /** Content that comes now was taken before. */
  #isKnown = true
  /** The whole body has been taken. */
  isDone = false

  constructor ({ unread, maxHeaderBytes }: ChunkParserInit, Class: ParserClass) {
    const parser = this.#parser = new Class()
    parser.initialize(Class.REQUEST, {}, maxHeaderBytes, 0)
    parser[Class.kOnBody] = (bytes: Buffer): void => { if (!this.#isKnown && !this.isDone) this.#content(bytes) }
    parser[Class.kOnMessageComplete] = (): void => { this.isDone = true }
    parser.execute(head)
    if (unread.length > 0) parser.execute(unread)
    this.#isKnown = false
  }

  /** Gives the content of these bytes to `content`, in memory of its own. Gives what is wrong with them, as the parser says it. */
  take (bytes: Uint8Array, content: (bytes: Buffer) => void): Error | undefined {
    this.#content = content
    const result = this.#parser.execute(bytes)
    return this.isDone || typeof result === 'number' ? undefined : result
  }

  /** Nothing is taken any more; not to be called from `content`. */
  close (): void { this.#parser.close() }
}
