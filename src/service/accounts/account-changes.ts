import type { Sql, SqlDatabase } from '../sql/sql.ts'

const channel = 'accounts'

/** Changes that make what is kept of a user wrong: forgotten here with the transaction's end, and told to all other peers. */
export class AccountChanges {
  readonly #database: Pick<SqlDatabase, 'transaction' | 'notify' | 'listen'>
  readonly #told = new WeakMap<Sql, Set<string>>()
  readonly #listeners: Array<(user: string | null) => void> = []
  #unlisten = (): void => {}

  constructor (database: Pick<SqlDatabase, 'transaction' | 'notify' | 'listen'>) { this.#database = database }

  start (): void { this.#unlisten = this.#database.listen(channel, user => this.#forget(user)) }
  stop (): void { this.#unlisten() }

  /** null: of everybody. */
  onChange (listener: (user: string | null) => void): void { this.#listeners.push(listener) }

  /** As the database's. What was told in it holds here when this resolves. */
  async transaction<T> (work: (tx: Sql) => Promise<T>): Promise<T> {
    const { result, told } = await this.#database.transaction(async tx => ({ result: await work(tx), told: [...this.#told.get(tx) ?? []] }))
    for (const user of told) this.#forget(user)
    return result
  }

  async tell (tx: Sql, user: string): Promise<void> {
    const told = this.#told.get(tx) ?? new Set()
    this.#told.set(tx, told.add(user))
    await this.#database.notify(tx, channel, user)
  }

  /** Something outside of these transactions has changed the user. */
  forget (user: string): void { this.#forget(user) }

  #forget (user: string | null): void { for (const listener of this.#listeners) listener(user) }
}
