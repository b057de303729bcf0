import { messageOf } from '../../../base/errors.ts'

/** The service's only rule, and advice. */
export const passwordHint = 'At least 8 characters. Several words are easy to remember and hard to guess.'
const least = 8

/** What is wrong with a new password, before it is sent. */
export const passwordError = (password: string): string | undefined =>
  password.length < least
    ? `The password has ${password.length === 1 ? '1 character' : `${password.length} characters`}; at least ${least} are needed.`
    : undefined

/** Whether the answer is about the code that was mailed. */
export const isCodeError = (err: unknown): boolean => /verification code/.test(messageOf(err))
