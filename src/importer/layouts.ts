import type { Block } from '../blockstore/blockstore.ts'
import type { FilePart } from './file-node.ts'
import { FileNode } from './file-node.ts'

/** Kubo's number of links in a node of a file. */
const maxLinks = 174

/** Kubo's trickle layout repeats subtrees of one depth so many times. */
const trickleRepeat = 4

/** Makes a tree of leaves. Only one node per level is open. */
export interface Layout {
  /** Another leaf will be made: closes the nodes that are full, which is when Go stores them. Shards depend on the order of blocks. */
  prepare (): void
  /** The file's next leaf. */
  add (leaf: FilePart): void
  /**
   * The root, `fields` at the end of its UnixFS message if it is a node; undefined when there was no leaf and the layout makes no node of
   * its own. The layout can then be used for the next file.
   */
  finish (fields?: Uint8Array): FilePart | undefined
}

/** All leaves at the same depth. A single leaf is its own root. */
export class BalancedLayout implements Layout {
  readonly #make: (bytes: Uint8Array) => Block
  readonly #nodes: FileNode[] = []
  #depth = 0
  #first: FilePart | undefined

  constructor (make: (bytes: Uint8Array) => Block) { this.#make = make }

  add (leaf: FilePart): void {
    // A first leaf is put into a node only when there is a second, so that small files need none.
    if (this.#depth === 0 && this.#first == null) {
      this.#first = leaf
      return
    }
    if (this.#depth === 0 && this.#first != null) this.#push(0, this.#first)
    this.#push(0, leaf)
  }

  prepare (): void {
    for (let level = 0; this.#nodes[level]?.count === maxLinks; level++) this.#push(level + 1, this.#close(level))
  }

  finish (fields?: Uint8Array): FilePart | undefined {
    if (this.#depth === 0) {
      const only = this.#first
      this.#first = undefined
      return only
    }
    let level = 0
    for (; level < this.#depth - 1; level++) this.#push(level + 1, this.#close(level))
    const root = this.#close(level, fields)
    this.#depth = 0
    this.#first = undefined
    return root
  }

  #push (level: number, part: FilePart): void {
    const node = this.#nodes[level] ??= new FileNode()
    this.#depth = Math.max(this.#depth, level + 1)
    if (node.count === maxLinks) this.#push(level + 1, this.#close(level))
    node.add(part)
  }

  #close (level: number, fields?: Uint8Array): FilePart {
    const node = this.#nodes[level]
    if (node == null) throw new Error('a level without a node')
    return node.close(this.#make, fields)
  }
}

/** An open node of the trickle layout. */
interface Frame {
  node: FileNode
  /** Its subtrees are less deep than this. */
  maxDepth: number
  /** Depth of the subtree that comes next, and how many of that depth it has. */
  depth: number
  repeat: number
}

/** Leaves directly under the root first, then ever deeper subtrees. The root is always a node. */
export class TrickleLayout implements Layout {
  readonly #make: (bytes: Uint8Array) => Block
  #open: Frame[] = [newFrame(Infinity)]

  constructor (make: (bytes: Uint8Array) => Block) { this.#make = make }

  prepare (): void {
    for (let top = this.#top(); top.node.count >= maxLinks; top = this.#top()) {
      if (top.depth < top.maxDepth) this.#open.push(newFrame(top.depth))
      else this.#closeTop()
    }
  }

  add (leaf: FilePart): void {
    this.prepare()
    this.#top().node.add(leaf)
  }

  finish (fields?: Uint8Array): FilePart {
    while (this.#open.length > 1) this.#closeTop()
    const root = this.#top().node.close(this.#make, fields)
    this.#open = [newFrame(Infinity)]
    return root
  }

  #top (): Frame {
    const top = this.#open.at(-1)
    if (top == null) throw new Error('a trickle tree without a root')
    return top
  }

  #closeTop (): void {
    const part = this.#top().node.close(this.#make)
    this.#open.pop()
    const parent = this.#top()
    parent.node.add(part)
    parent.repeat++
    if (parent.repeat === trickleRepeat) {
      parent.repeat = 0
      parent.depth++
    }
  }
}

const newFrame = (maxDepth: number): Frame => ({ node: new FileNode(), maxDepth, depth: 1, repeat: 0 })
