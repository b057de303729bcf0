import type { FileMark } from './picked-files.ts'

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

/** Also where `crypto.randomUUID` is missing: pages of a plain http address. */
export const newUploadId = (): string =>
  [...crypto.getRandomValues(new Uint8Array(12))].map(byte => byte.toString(16).padStart(2, '0')).join('')

/** Uploads that outlive the page, by the account they belong to. */
export interface UploadRecords {
  all (owner: string): Promise<UploadRecord[]>
  put (records: readonly UploadRecord[]): Promise<void>
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
  const run = async <T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T> | undefined): Promise<T | undefined> => {
    const db = await database()
    const request = db == null ? undefined : work(db.transaction(storeName, mode).objectStore(storeName))
    return request == null ? undefined : await answerOf(request)
  }
  return {
    all: async owner => ((await run('readonly', store => store.getAll() as IDBRequest<UploadRecord[]>)) ?? [])
      .filter(record => record.owner === owner).toSorted((a, b) => a.addedAt - b.addedAt),
    put: async records => {
      // all in one go: each alone takes a page its time, when there are thousands
      await run('readwrite', store => records.map(record => putOne(store, record)).at(-1)).catch(() => {})
    },
    remove: async id => { await run('readwrite', store => store.delete(id)) }
  }
}

function putOne (store: IDBObjectStore, record: UploadRecord): IDBRequest {
  try {
    return store.put(record, record.id)
  } catch {
    // a handle that can't be kept
    return store.put({ ...record, handle: null }, record.id)
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
