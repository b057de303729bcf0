import type { Pin } from '../../model/pin.ts'

const key = 'helia-cluster-service'

/**
 * The metadata by which a service knows the pins that it has made. Whoever pins over one of them takes the mark away, and with it the right
 * to remove the pin.
 */
export const markOf = (service: string): Record<string, string> => ({ [key]: service })

/** Whether this service made the pin. */
export const isMarked = ({ metadata }: Pick<Pin, 'metadata'>, service: string): boolean =>
  Object.hasOwn(metadata, key) && metadata[key] === service
