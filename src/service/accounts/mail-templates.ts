import type { Message } from '../mail/mail.ts'
import type { CodePurpose } from '../sql/tables.ts'

const purposes: Record<CodePurpose, { subject: string, what: string }> = {
  verify: { subject: 'Confirm your address', what: 'to confirm that this address is yours' },
  renew: { subject: 'A new API key', what: 'to get a new API key in place of the old one' },
  reset: { subject: 'A new password', what: 'to set a new password' }
}

/** The mail that brings a verification code to an address. */
export function codeMail ({ service, to, purpose, code }: { service: string, to: string, purpose: CodePurpose, code: string }): Message {
  const { subject, what } = purposes[purpose]
  return {
    to,
    subject: `${service}: ${subject}`,
    text: `Your verification code is ${code}\n\nUse it within ten minutes ${what}. If you didn't ask for it, do nothing: without the code nothing happens.\n`
  }
}

/** For who registers an address that has an account: only its owner learns it. */
export const knownAccountMail = ({ service, to }: { service: string, to: string }): Message => ({
  to,
  subject: `${service}: You have an account already`,
  text: 'Somebody, perhaps you, has tried to register this address, which has an account already.\n\nIf it was you, log in, or ask for a code to set a new password or to get a new API key. If it was not, do nothing.\n'
})
