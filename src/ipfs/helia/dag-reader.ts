import type { DagReader } from '../dag-reader.ts'
import { linksOf } from './local/links.ts'
import { findEntry, listEntries, readNode } from './unixfs-directory.ts'
import { fileSize, readFile } from './unixfs-file.ts'

/** The readers of the embedded node's gateway, for other faces. */
export const dagReader: DagReader = { readNode, findEntry, listEntries, fileSize, readFile, linksOf }
