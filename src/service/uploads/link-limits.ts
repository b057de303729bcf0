import type { LinkRow } from '../sql/tables.ts'

/** `image/png` fits `image/png`, and `image/*`, and `*` + `/*`. An empty list allows all. */
export function allowsType ({ content_types: json }: Pick<LinkRow, 'content_types'>, contentType: string): boolean {
  const allowed = JSON.parse(json) as string[]
  const [kind = ''] = contentType.split('/')
  return allowed.length === 0 || allowed.some(one => one === contentType || one === `${kind}/*` || one === '*/*')
}
