import { createReadStream } from 'node:fs'
import type { ReadStream } from 'node:fs'
import { lstat, open, rename, rm, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

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
    await replaceFile(path, chunks)
  } else {
    const file = await open(path, 'w')
    await writeAll(file, chunks).finally(async () => file.close())
  }
}

/** False for what a rename would destroy: pipes, devices, links. */
async function isReplaceable (path: string): Promise<boolean> {
  return lstat(path).then(found => found.isFile(), (err: NodeJS.ErrnoException) => {
    if (err.code === 'ENOENT') return true
    throw err
  })
}

async function replaceFile (path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const draft = `${path}.${process.pid}.tmp`
  const mode = (await stat(path).catch(() => undefined))?.mode ?? 0o644
  const file = await open(draft, 'w', mode & 0o777)
  try {
    await writeAll(file, chunks).then(async () => file.sync()).finally(async () => file.close())
    await rename(draft, path)
  } catch (err) {
    await rm(draft, { force: true })
    throw err
  }
}

async function writeAll (file: FileHandle, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.length;) from += (await file.write(chunk, from)).bytesWritten
  }
}
