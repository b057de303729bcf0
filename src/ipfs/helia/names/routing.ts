/** A key-value store of many peers: the DHT. */
export interface NameRouting {
  /** False: there is none, and nobody is asked. */
  readonly isOn: boolean
  /** Values for a key as they are found; not checked. Ends when nobody is left to ask. */
  values (key: Uint8Array, options: { signal: AbortSignal }): AsyncIterable<Uint8Array>
  /** Resolves to the number of peers that took it. */
  put (key: Uint8Array, value: Uint8Array, options: { signal: AbortSignal }): Promise<number>
}
