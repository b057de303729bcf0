// Loads a build's chunks with what V8 compiled of them in an earlier run. Node's own compile cache keeps what V8 compiles when it reads a file, and that is
// next to no function: each is compiled when it is first called. Here the code is kept once the program has started, with every function that a start calls.

const load = name => process.getBuiltinModule(name)
const { isAscii } = load('node:buffer')
const { closeSync, existsSync, fstatSync, lstatSync, mkdirSync, openSync, readSync, readdirSync, renameSync, rmSync, writeFileSync } = load('node:fs')
const { createRequire } = load('node:module')
const { basename, dirname, join } = load('node:path')
const { Script, constants } = load('node:vm')
const { crc32 } = load('node:zlib')

const headBytes = 12
/** Most files and their code are smaller. */
const memoryBytes = 2 * 2 ** 20
/** What makes a function of a file, and of code what it is. */
const aroundSource = { before: '(function (exports, require, module, __filename, __dirname) {', after: '\n})' }
const aroundNothing = { before: '', after: '' }
/** Of code that was kept in the middle of a start, and of one that had ended. */
const [part, whole] = [1, 2]

/**
 * The CommonJS files of a build, each run once. `folder`: where their code is kept, of this Node with these flags; undefined: nowhere.
 */
export class CodeCache {
  #folder
  #modules = new Map()
  #scripts = []
  #memory = Buffer.allocUnsafeSlow(memoryBytes)

  constructor (folder) { this.#folder = folder == null ? undefined : join(folder, 'helia-cluster') }

  /** The exports of a file of the build. */
  require (path) {
    const known = this.#modules.get(path)
    if (known != null) return known.exports
    const module = { exports: {} }
    this.#modules.set(path, module)
    const own = createRequire(path)
    const require = id => /^\.\.?\/.*\.cjs$/.test(id) ? this.require(join(dirname(path), id)) : own(id)
    require.resolve = own.resolve
    this.#script(path).runInThisContext()(module.exports, require, module, path, dirname(path))
    return module.exports
  }

  /**
   * Keeps the code as it is now, for the next start. `isWhole`: the program has started; then it is kept unless that of a whole start is, and otherwise
   * only where there is none: commands run under other settings of V8. What can't be written isn't kept.
   */
  keep ({ isWhole }) {
    const scripts = this.#scripts.splice(0)
    this.#memory = undefined
    if (this.#folder == null) return
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
      if (!this.#isOurs()) return
      const missing = scripts.filter(({ state, isTaken }) => isWhole ? state !== whole || !isTaken : state == null)
      for (const one of missing) this.#write(one, isWhole ? whole : part)
      if (isWhole && missing.length > 0) this.#removeStrangers()
    } catch {}
  }

  #script (path) {
    const { sum, text } = this.#source(path)
    const { data: cachedData, state } = this.#read(path, sum) ?? {}
    const script = new Script(text, {
      filename: path, cachedData, importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER
    })
    this.#scripts.push({ path, sum, script, state, isTaken: script.cachedDataRejected === false })
    return script
  }

  /** The text of a file as the function that runs it. It is put together as bytes: of texts V8 would make one more copy. */
  #source (path) {
    const file = openSync(path, 'r')
    try {
      const bytes = this.#bytesOf(file, fstatSync(file).size, aroundSource)
      // UTF-8 takes longer to look through, also where it is all ASCII, as a build's chunks are
      return { sum: crc32(bytes), text: bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8') }
    } finally {
      closeSync(file)
    }
  }

  /** A file's bytes in memory that the next file takes, until the program has started: buffers of some megabytes make V8 collect everything. */
  #bytesOf (file, size, { before, after } = aroundNothing) {
    const most = before.length + size + after.length
    if (this.#memory != null && this.#memory.length < most) this.#memory = Buffer.allocUnsafeSlow(most)
    const memory = this.#memory ?? Buffer.allocUnsafeSlow(most)
    let end = memory.write(before, 'latin1')
    for (let left = size, read; left > 0; left -= read, end += read) {
      read = readSync(file, memory, end, left)
      if (read === 0) break
    }
    end += memory.write(after, end, 'latin1')
    return memory.subarray(0, end)
  }

  /** Node's cache folder may lie below /tmp: one that somebody else has made there, or may write to, is not written to. */
  #isOurs () {
    const stat = lstatSync(this.#folder)
    return stat.isDirectory() && (process.getuid == null || (stat.uid === process.getuid() && (stat.mode & 0o022) === 0))
  }

  #fileOf (path) { return join(this.#folder, `${prefixOf(path)}${basename(path)}`) }

  /** Undefined unless it is whole, of this source, and this user's: others may write in the folder's parents. */
  #read (path, sum) {
    if (this.#folder == null) return undefined
    let file
    try {
      file = openSync(this.#fileOf(path), 'r')
      const { uid, size } = fstatSync(file)
      if (process.getuid != null && uid !== process.getuid()) return undefined
      const bytes = this.#bytesOf(file, size)
      const data = bytes.subarray(headBytes)
      return bytes.readUInt32LE(0) === sum && bytes.readUInt32LE(8) === crc32(data) ? { data, state: bytes.readUInt32LE(4) } : undefined
    } catch {
      return undefined
    } finally {
      if (file != null) closeSync(file)
    }
  }

  #write ({ path, sum, script }, state) {
    const data = script.createCachedData()
    const head = Buffer.alloc(headBytes)
    head.writeUInt32LE(sum, 0)
    head.writeUInt32LE(state, 4)
    head.writeUInt32LE(crc32(data), 8)
    const file = this.#fileOf(path)
    const draft = `${file}.${process.pid}.tmp`
    writeFileSync(draft, Buffer.concat([head, data]), { mode: 0o600, flag: 'wx' })
    renameSync(draft, file)
  }

  /** What is kept of files of this build's folder that a newer build doesn't have. */
  #removeStrangers () {
    const [first] = this.#modules.keys()
    for (const folder of [dirname(first), join(dirname(first), 'chunks')]) {
      const prefix = prefixOf(join(folder, 'any'))
      for (const name of readdirSync(this.#folder)) {
        if (name.startsWith(prefix) && name.endsWith('.cjs') && !existsSync(join(folder, name.slice(prefix.length)))) rmSync(join(this.#folder, name), { force: true })
      }
    }
  }
}

const prefixOf = path => `${crc32(dirname(path)).toString(16)}-`
