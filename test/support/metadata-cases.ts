import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { InjectRequest } from './inject.ts'
import { pattern251 } from './add-vectors.ts'

/**
 * One part of an upload. `told`: what the client tells of it in the field's name, "mode=0100644&mtime=1". `times`: so many files of long
 * names in a directory.
 */
export interface MetadataPart {
  path: string, kind: 'file' | 'dir' | 'symlink', text?: string, length?: number, told?: string, times?: number
}

/** An upload with UnixFS metadata and the last lines of Kubo 0.44's answer to it, or its refusal (test/vectors/add/metadata.json). */
export interface MetadataCase {
  name: string, query: string, parts: MetadataPart[], lines: Array<{ Name: string, Hash: string, Size: string }>,
  refused?: { status: number, message: string }
}

export const readMetadataCases = (): MetadataCase[] =>
  JSON.parse(readFileSync(fileURLToPath(new URL('../vectors/add/metadata.json', import.meta.url)), 'utf8')) as MetadataCase[]

const types = { file: 'application/octet-stream', dir: 'application/x-directory', symlink: 'application/symlink' }

/** The multipart body of a case. */
export function metadataUpload (parts: MetadataPart[]): Required<Pick<InjectRequest, 'headers' | 'body'>> {
  const pieces = parts.flatMap(everyTime).flatMap(({ path, kind, text = '', length, told }) => [
    Buffer.from(
      `--Xb\r\nContent-Disposition: form-data; name="file${told == null ? '' : `?${told}`}"; filename="${encodeURIComponent(path)}"\r\nContent-Type: ${types[kind]}\r\n\r\n`
    ),
    length == null ? Buffer.from(text) : pattern251(length),
    Buffer.from('\r\n')
  ])
  return { headers: [['Content-Type', 'multipart/form-data; boundary=Xb']], body: Buffer.concat([...pieces, Buffer.from('--Xb--\r\n')]) }
}

function everyTime ({ times, ...part }: MetadataPart): MetadataPart[] {
  return times == null
    ? [part]
    : Array.from({ length: times }, (_, index) => ({ ...part, path: `${part.path}/${String(index).padStart(4, '0')}${'x'.repeat(230)}` }))
}
