import { openSync, readFileSync } from 'node:fs'
import { ClusterError, messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { HttpApiConfig } from '../../config/service-config.ts'
import type { ApiServerInit } from '../../http/api-server.ts'
import { accessLogFile } from '../access-log.ts'
import { resolveIn } from '../folder/folder.ts'

/** What the HTTP APIs have in common, with the files that the section names read. */
export function httpInit (folder: string, section: HttpApiConfig, log: Logger): ApiServerInit {
  const { basicAuthCredentials } = section
  return {
    listen: section.httpListenMultiaddress,
    tls: tlsOf(folder, section),
    basicAuth: basicAuthCredentials == null ? null : new Map(Object.entries(basicAuthCredentials.reveal())),
    cors: {
      allowedOrigins: section.corsAllowedOrigins,
      allowedMethods: section.corsAllowedMethods,
      allowedHeaders: section.corsAllowedHeaders,
      exposedHeaders: section.corsExposedHeaders,
      allowCredentials: section.corsAllowCredentials,
      maxAgeSeconds: Math.floor(section.corsMaxAgeMs / 1000)
    },
    headers: section.headers,
    timeouts: {
      readMs: section.readTimeoutMs, readHeaderMs: section.readHeaderTimeoutMs, writeMs: section.writeTimeoutMs,
      idleMs: section.idleTimeoutMs
    },
    maxHeaderBytes: section.maxHeaderBytes,
    logLine: accessLog(folder, section.httpLogFile, log)
  }
}

/** Certificate and key of a section, read now; null without them. Throws what the file system says. */
export const tlsOf = (
  folder: string, { sslCertFile, sslKeyFile }: Pick<HttpApiConfig, 'sslCertFile' | 'sslKeyFile'>
): ApiServerInit['tls'] =>
  sslCertFile === ''
    ? null
    : { cert: readFileSync(resolveIn(folder, sslCertFile, '')), key: readFileSync(resolveIn(folder, sslKeyFile, '')) }

/**
 * One line per request: to the file if there is one, else to the log. Throws INVALID_CONFIG for a file that can't be written, as Go's peer
 * doesn't start either.
 */
export function accessLog (folder: string, file: string, log: Logger): (line: string) => void {
  if (file === '') return line => log.info(line)
  const path = resolveIn(folder, file, '')
  return accessLogFile({
    fd: opened(path), failed: err => log.error('the access log can not be written: lines are lost until it can', { file, err })
  })
}

function opened (path: string): number {
  try {
    return openSync(path, 'a')
  } catch (err) {
    throw new ClusterError('INVALID_CONFIG', { path }, {
      message: `the access log ${path} can't be written: ${messageOf(err)}`, cause: err
    })
  }
}
