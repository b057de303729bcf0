/** What a thread of the gateway runs. */
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock, systemRandom } from '../../base/system.ts'
import type { CallPort } from '../../base/port-calls.ts'
import { serveGateway } from './serve.ts'

if (parentPort != null) serveGateway(workerData, { port: parentPort as unknown as CallPort, clock: systemClock, random: systemRandom })
