/** Secrets of upload links: they are part of paths. */
const linkSecret = /\bul_[0-9A-Za-z]+/g

/** A path, or a line with one, for the log: who reads that could use the link. */
export const withoutSecrets = (text: string): string => text.replaceAll(linkSecret, 'ul_…')
