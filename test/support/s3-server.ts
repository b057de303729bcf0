import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from './free-ports.ts'
import { pollUntil } from './poll.ts'

/** Where `.ci/run` puts them. */
const versityFolder = join(tmpdir(), 'helia-cluster-versitygw-1.8.0')
const motoFolder = join(tmpdir(), 'helia-cluster-moto-5.2.5')

export interface S3Server {
  name: string
  settings: { endpoint: string, bucket: string, region: string, accessKey: string, secretKey: string, forcePathStyle: boolean }
  /** Ends the process; what it stored stays until `close`. */
  pause (): Promise<void>
  /** On the same port, with what was stored (moto keeps nothing). */
  resume (): Promise<void>
  close (): Promise<void>
}

interface Program {
  name: string, command: (port: number, folder: string) => { program: string, args: string[], env: Record<string, string> }
}

const accessKey = 'staging'
const secretKey = 'staging-secret'
const bucket = 'uploads'

const versity: Program = {
  name: 'VersityGW 1.8',
  // not every file system has the attributes that it would keep its facts in
  command: (port, folder) => ({
    program: join(versityFolder, 'versitygw'),
    args: ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', '--sidecar', join(folder, 'meta'), join(folder, 'data')],
    env: { ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey }
  })
}

const moto: Program = {
  name: 'moto 5.2',
  command: port => ({ program: join(motoFolder, 'bin', 'moto_server'), args: ['-H', '127.0.0.1', '-p', String(port)], env: {} })
}

/** The S3 server to test with, or why there is none. */
export function findS3Server (): { program: Program } | { missing: string } {
  if (existsSync(join(versityFolder, 'versitygw'))) return { program: versity }
  if (existsSync(join(motoFolder, 'bin', 'moto_server'))) return { program: moto }
  return { missing: `no S3 server: neither VersityGW in ${versityFolder} nor moto in ${motoFolder} (.ci/run puts one there)` }
}

/** Starts a server on 127.0.0.1 with a bucket in a folder of its own. */
export async function startS3Server (program: Program): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-s3-'))
  for (const name of ['data', 'meta']) await mkdir(join(folder, name))
  await mkdir(join(folder, 'data', bucket))
  const [port = 0] = await freePorts(1)
  const endpoint = `http://127.0.0.1:${port}`
  let stop = async (): Promise<void> => {}
  const resume = async (): Promise<void> => {
    const { program: file, args, env } = program.command(port, folder)
    const child = spawn(file, args, { stdio: 'ignore', env: { PATH: process.env.PATH ?? '', ...env } })
    const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
    stop = async () => {
      child.kill('SIGKILL')
      await ended
    }
    await pollUntil(async () => await fetch(endpoint).then(() => true, () => false), { what: `${program.name} on ${endpoint}` })
    if (program === moto) await fetch(`${endpoint}/${bucket}`, { method: 'PUT' })
  }
  await resume()
  return {
    name: program.name,
    settings: { endpoint, bucket, region: 'us-east-1', accessKey, secretKey, forcePathStyle: true },
    pause: async () => stop(),
    resume,
    close: async () => {
      await stop()
      await rm(folder, { recursive: true, force: true })
    }
  }
}
