import { inspect } from 'node:util'

/** What is printed in place of a secret, as Go prints it. */
export const hiddenText = 'XXX_hidden_XXX'

/** Holds something that must not reach logs, dumps or error texts: printing it in any way gives `hiddenText`. */
export class Secret<Value> {
  readonly #value: Value

  constructor (value: Value) { this.#value = value }

  /** The value itself. Call it where it is used, and don't store what it gives. */
  reveal (): Value { return this.#value }

  toString (): string { return hiddenText }
  toJSON (): string { return hiddenText }
  [inspect.custom] (): string { return hiddenText }
}
