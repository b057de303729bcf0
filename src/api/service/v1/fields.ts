import { z } from 'zod'
import { permissions } from '../../../service/accounts/accounts.ts'

/** Fields that several bodies have, and answers that several routes give. */
export const email = z.string().min(3).max(320).meta({ examples: ['user@example.com'] })
/** Eight characters, no other rules; the upper bound is for the hash's sake. */
export const password = z.string().min(8, 'at least 8 characters').max(256, 'at most 256 characters')
/** Of what is compared only: what was allowed once stays allowed. */
export const givenPassword = z.string().min(1).max(1024)
/** The code out of a mail. */
export const code = z.string().regex(/^\d{6}$/, 'six digits')
/** One of a key's permissions. */
export const permission = z.enum(permissions)

/** A whole number from `least` to `most` that a query carries as text. */
export const queryInt = (least: number, most: number) => z.preprocess(
  // what JavaScript reads as numbers, too, isn't meant: 0x10, 1e3, " 5"
  text => typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN, z.number().int().min(least).max(most)
)

/** The order of a list as a query says it: the name of a field, with a minus sign from the largest on. */
export const orderOf = <Name extends string>(names: readonly Name[]) => ({
  field: z.enum(names.flatMap(name => [name, `-${name}`] as const)),
  of: (text: string): { by: Name, descending: boolean } => ({ by: text.replace(/^-/, '') as Name, descending: text.startsWith('-') })
})

/** `next_cursor` of the page before. */
export const cursor = z.string().max(1024)
/** Beside the rows of a page; null: it is the last one. */
export const nextPage = { next_cursor: z.string().nullable() }
/** A size or quota. */
export const bytes = z.int().min(0).max(Number.MAX_SAFE_INTEGER)

type RequiredKeys<T> = { [Key in keyof T]-?: undefined extends T[Key] ? never : Key }[keyof T]
type Given<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> } & Pick<T, RequiredKeys<T>>

/** The same object without the keys whose value is undefined, as `exactOptionalPropertyTypes` wants them. */
export const given = <T extends object> (values: T): Given<T> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T>
