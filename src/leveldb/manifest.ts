import { logRecords } from './log.ts'
import { LevelReader } from './varint.ts'

/** A table of the current version: `NUMBER.ldb` or, of old, `NUMBER.sst`. */
export interface TableFile { level: number, number: number, sizeBytes: number }

/** What a MANIFEST says of the store. `damaged`: one of its records is; `torn`: its last one is cut off. */
export interface Manifest { tables: TableFile[], logNumber: number, lastSequence: number, damaged: boolean, torn: boolean }

const tags = { comparator: 1, logNumber: 2, nextFile: 3, lastSequence: 4, compactPointer: 5, deletedFile: 6, newFile: 7, prevLogNumber: 9 }

/** Reads a MANIFEST: the changes of the set of tables, one after the other. */
export function readManifest (bytes: Buffer): Manifest {
  const tables = new Map<number, TableFile>()
  const manifest: Manifest = { tables: [], logNumber: 0, lastSequence: 0, damaged: false, torn: false }
  const records = logRecords(bytes)
  let step = records.next()
  for (; step.done !== true; step = records.next()) {
    if (!step.value.intact || !applyEdit(step.value.payload, tables, manifest)) manifest.damaged = true
  }
  return { ...manifest, tables: [...tables.values()], torn: step.value.torn }
}

/** False when it can't be read to its end. */
function applyEdit (payload: Buffer, tables: Map<number, TableFile>, manifest: Manifest): boolean {
  const reader = new LevelReader(payload)
  try {
    while (!reader.isAtEnd) {
      const tag = reader.varint()
      if (tag === tags.comparator) reader.text()
      else if (tag === tags.logNumber) manifest.logNumber = reader.varint()
      else if (tag === tags.nextFile || tag === tags.prevLogNumber) reader.varint()
      else if (tag === tags.lastSequence) manifest.lastSequence = reader.varint()
      else if (tag === tags.compactPointer) skipPointer(reader)
      else if (tag === tags.deletedFile) deleteFile(reader, tables)
      else if (tag === tags.newFile) addFile(reader, tables)
      else return false
    }
    return true
  } catch {
    return false
  }
}

function skipPointer (reader: LevelReader): void {
  reader.varint()
  reader.text()
}

function deleteFile (reader: LevelReader, tables: Map<number, TableFile>): void {
  reader.varint()
  tables.delete(reader.varint())
}

function addFile (reader: LevelReader, tables: Map<number, TableFile>): void {
  const [level, number, sizeBytes] = [reader.varint(), reader.varint(), reader.varint()]
  reader.text()
  reader.text()
  tables.set(number, { level, number, sizeBytes })
}
