import { crdtBlocks, crdtInfo } from '../consensus/crdt/maintenance.ts'
import type { Datastore } from '../datastore/datastore.ts'
import type { CrdtBlock } from '../wire/crdt-block.ts'

/**
 * The CRDT's DAG for Graphviz, in Go's notation: each block with its height, the end of its CID, and how many elements it adds and voids.
 */
export async function * crdtDot (datastore: Datastore): AsyncGenerator<string> {
  const { heads } = await crdtInfo(datastore)
  yield `digraph CRDTDAG {\nsubgraph heads {\n${heads.map(head => `${head.toString()}\n`).join('')}}\n`
  for await (const block of crdtBlocks(datastore)) yield blockDot(block)
  yield '}\n'
}

function blockDot ({ cid, links, delta }: CrdtBlock): string {
  const name = cid.toString()
  const linked = links.map(link => link.toString())
  return `${name} [label="${delta.priority} | ${name.slice(-4)}: +${delta.elements.length} -${delta.tombstones.length}"]\n` +
    `${name} -> {${linked.map(link => `${link} `).join('')}}\n` +
    `subgraph sg_${name} {\n${linked.map(link => `${link}\n`).join('')}}\n`
}
