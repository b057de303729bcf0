import type { DagReader } from '../dag-reader.ts'
import { linksOf } from './local/links.ts'
import { findEntry, listEntries, readNode } from './unixfs-directory.ts'
import { fileSize, partsOf, readFile } from './unixfs-file.ts'

/** How the gateway and the proxy's commands read what the node holds. */
export const dagReader: DagReader = { readNode, findEntry, listEntries, fileSize, readFile, partsOf, linksOf }
