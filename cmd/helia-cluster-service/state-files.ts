import { createReadStream } from 'node:fs'
import type { ReadStream } from 'node:fs'
import { lstat, open, stat } from 'node:fs/promises'
import { replaceFile, whenMissing } from '../../src/base/files.ts'

const readBytes = 256 * 1024

/** The bytes of a file, which is open until they are read or the stream is destroyed. Rejects when it can't be opened. */
export async function readInput (path: string): Promise<ReadStream> {
  const file = await open(path, 'r')
  if ((await file.stat()).isDirectory()) {
    await file.close()
    throw Object.assign(new Error(`${path} is a folder`), { code: 'EISDIR' })
  }
  return createReadStream('', { fd: file, highWaterMark: readBytes })
}

/**
 * Writes to the file, or to `output` without one. A regular file is replaced when all is written and on the disk: a failure leaves what was
 * there.
 */
export async function writeOutput (
  path: string | undefined, chunks: AsyncIterable<Uint8Array>, output: (bytes: Uint8Array) => Promise<void>
): Promise<void> {
  if (path == null) {
    for await (const chunk of chunks) await output(chunk)
  } else if (await isReplaceable(path)) {
    await replaceFile(path, chunks, ((await stat(path).catch(() => undefined))?.mode ?? 0o644) & 0o777)
  } else {
    const file = await open(path, 'w')
    await file.writeFile(chunks).finally(async () => file.close())
  }
}

/** False for what a rename would destroy: pipes, devices, links. */
async function isReplaceable (path: string): Promise<boolean> {
  return lstat(path).then(found => found.isFile(), whenMissing(true))
}
