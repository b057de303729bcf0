import { invalidArgument } from '../../base/errors.ts'

const longest = 254

/** An e-mail address as its owner writes it, and the form by which it is found. Throws INVALID_ARGUMENT. */
export function addressOf (text: string): { email: string, key: string } {
  const email = text.trim().normalize('NFC')
  // line breaks, commas and brackets would mean something in a message's head
  if (email.length > longest || !/^[^\s@<>()[\]\\,;:"\p{C}]+@[\p{L}\p{N}]([\p{L}\p{N}.-]*[\p{L}\p{N}])?$/u.test(email)) {
    throw invalidArgument('email: not an e-mail address')
  }
  return { email, key: email.toLowerCase() }
}
