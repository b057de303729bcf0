import { execFileSync, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from './free-ports.ts'
import { pollUntil } from './poll.ts'

/** Debian's nginx; null when there is none. */
export const nginxProgram: string | null = findNginx()

function findNginx (): string | null {
  for (const program of ['nginx', '/usr/sbin/nginx']) {
    try {
      execFileSync(program, ['-v'], { stdio: 'ignore' })
      return program
    } catch {} // not there
  }
  return null
}

export interface CachingProxy {
  url: string
  close (): Promise<void>
}

/**
 * An nginx on 127.0.0.1 that keeps of `upstream` what its headers allow to keep. Ranges are kept each by itself. `X-Cache` tells where an
 * answer came from: HIT or MISS.
 */
export async function cachingProxy (program: string, upstream: string): Promise<CachingProxy> {
  return nginx(program, {
    http: folder => `proxy_cache_path ${folder}/cache keys_zone=content:1m;`,
    location: `
      proxy_pass ${upstream};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Range $http_range;
      proxy_cache content;
      proxy_cache_key $request_uri$http_range;
      add_header X-Cache $upstream_cache_status always;`
  })
}

/** An nginx on 127.0.0.1 in front of a service, as its guide has it, but that it only says it speaks HTTPS. */
export async function serviceProxy (program: string, upstream: string): Promise<CachingProxy> {
  return nginx(program, {
    http: () => 'client_max_body_size 0;',
    location: `
      proxy_pass ${upstream};
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;`
  })
}

/** An nginx on 127.0.0.1 with what a page of the documentation says of `location /`. */
export const documentedProxy = async (program: string, location: string): Promise<CachingProxy> =>
  nginx(program, { http: () => '', location })

async function nginx (program: string, { http, location }: { http: (folder: string) => string, location: string }): Promise<CachingProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-nginx-'))
  const [port = 0] = await freePorts(1)
  for (const name of ['body', 'proxy', 'cache']) await mkdir(join(folder, name))
  await writeFile(join(folder, 'nginx.conf'), `
daemon off;
master_process off;
pid ${folder}/pid;
error_log ${folder}/errors;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  ${http(folder)}
  large_client_header_buffers 4 32k;
  server {
    listen 127.0.0.1:${port};
    location / {${location}
    }
  }
}
`)
  const child = spawn(program, ['-p', folder, '-e', join(folder, 'errors'), '-c', join(folder, 'nginx.conf')], { stdio: 'ignore' })
  const ended = new Promise(resolve => child.once('exit', resolve))
  const close = async (): Promise<void> => {
    child.kill()
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  await pollUntil(async () => {
    if (child.exitCode != null) throw new Error(`nginx ended with ${child.exitCode}`)
    return listens(port)
  }, { withinMs: 10_000, what: 'nginx' }).catch(async err => {
    await close()
    throw err
  })
  return { url: `http://127.0.0.1:${port}`, close }
}

const listens = async (port: number): Promise<boolean> => new Promise(resolve => {
  const socket = connect(port, '127.0.0.1')
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false)).once('connect', () => socket.destroy())
})
