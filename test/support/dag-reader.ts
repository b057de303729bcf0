import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemRandom } from '../../src/base/system.ts'
import { dagReader } from '../../src/ipfs/helia/unixfs/dag-reader.ts'
import type { DagReader } from '../../src/ipfs/dag-reader.ts'

/** The embedded node's reader. Tests walk DAGs that fit into memory; its folder is made only for larger ones. */
export const testReader: DagReader = dagReader({ folder: join(tmpdir(), `helia-cluster-reader-${process.pid}`) }, { random: systemRandom })
