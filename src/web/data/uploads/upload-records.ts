import type { FileMark } from './picked.ts'

/** What is kept of an upload over reloads. */
export interface UploadRecord {
  id: string
  /** Whose it is: an e-mail address, or the ID of an upload link. */
  owner: string
  kind: 'file' | 'directory'
  name: string
  type: string
  /** Bytes that are sent: of a folder, its tar. */
  sizeBytes: number
  marks: FileMark[]
  pin: 'now' | 'on-access'
  group: string | null
  addedAt: number
  isPaused: boolean
  /** Null until it has begun at the service. */
  uploadId: string | null
  handle: FileSystemHandle | null
}

export interface UploadRecords {
  all (owner: string): Promise<UploadRecord[]>
  put (record: UploadRecord): Promise<void>
  remove (id: string): Promise<void>
}

const storeName = 'uploads'

/** In IndexedDB, which keeps handles of files too. Where the browser keeps nothing, uploads live as long as the page. */
export function indexedRecords (databaseName: string): UploadRecords {
  let opened: Promise<IDBDatabase> | undefined
  const database = async (): Promise<IDBDatabase | null> => {
    try {
      return await (opened ??= open(databaseName))
    } catch {
      return null
    }
  }
  const run = async <T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T | undefined> => {
    const db = await database()
    return db == null ? undefined : await answerOf(work(db.transaction(storeName, mode).objectStore(storeName)))
  }
  return {
    all: async owner => ((await run('readonly', store => store.getAll() as IDBRequest<UploadRecord[]>)) ?? [])
      .filter(record => record.owner === owner).toSorted((a, b) => a.addedAt - b.addedAt),
    put: async record => {
      try {
        await run('readwrite', store => store.put(record, record.id))
      } catch {
        // a handle that can't be kept
        await run('readwrite', store => store.put({ ...record, handle: null }, record.id)).catch(() => {})
      }
    },
    remove: async id => { await run('readwrite', store => store.delete(id)) }
  }
}

async function open (name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1)
  request.addEventListener('upgradeneeded', () => { request.result.createObjectStore(storeName) })
  return answerOf(request)
}

const answerOf = async <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => {
  request.addEventListener('success', () => resolve(request.result))
  request.addEventListener('error', () => reject(request.error ?? new Error('the browser keeps nothing')))
})
