/** A value of JSON that is an object. */
export type JsonObject = Record<string, unknown>

/** Whether a value of JSON is an object, not a list or null. */
export const isJsonObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
