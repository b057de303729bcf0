/** What a thread for blocks runs. */
import { parentPort } from 'node:worker_threads'
import type { CallPort } from '../../base/port-calls.ts'
import { serveJobs } from './serve.ts'

if (parentPort != null) serveJobs(parentPort as unknown as CallPort)
