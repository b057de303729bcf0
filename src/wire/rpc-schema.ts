import type { CID } from 'multiformats/cid'
import { ClusterError } from '../base/errors.ts'
import { decodeCid } from '../model/cid.ts'
import { addressBytes, addressText, peerBytes, peerText } from './known-names.ts'
import type { MsgpackReader, MsgpackWriter } from './msgpack.ts'

/** How one kind of value stands on the wire. */
export interface WireCodec<T> {
  write (writer: MsgpackWriter, value: T): void
  read (reader: MsgpackReader): T
  /** What stands for it when a field that is always written has no value. */
  readonly zero: T
}

/** A point in time with Go's full precision. */
export interface WireTime { seconds: bigint, nanoseconds: number }

/** Strings, as msgpack's old raw bytes, which Go's codec writes. */
export const text: WireCodec<string> = { write: (writer, value) => writer.raw(value), read: reader => reader.text(), zero: '' }
/** Go's []byte; null is nil. */
export const bytes: WireCodec<Uint8Array | null> = {
  write: (writer, value) => value == null ? writer.nil() : writer.raw(value),
  read: reader => reader.nil() ? null : reader.raw(),
  zero: new Uint8Array()
}
/** Go's signed integers up to 2^53; larger ones throw INVALID_DATA. */
export const int: WireCodec<number> = { write: (writer, value) => writer.int(value), read: reader => reader.number(), zero: 0 }
/** Go's unsigned integers up to 2^53; larger ones throw INVALID_DATA. */
export const uint: WireCodec<number> = { write: (writer, value) => writer.uint(value), read: reader => reader.number(), zero: 0 }
/** Go's int64 in full. */
export const bigInt: WireCodec<bigint> = { write: (writer, value) => writer.int(value), read: reader => reader.bigint(), zero: 0n }
/** Go's uint64 in full. */
export const bigUint: WireCodec<bigint> = { write: (writer, value) => writer.uint(value), read: reader => reader.bigint(), zero: 0n }
/** Go's float64. */
export const float: WireCodec<number> = { write: (writer, value) => writer.float(value), read: reader => reader.float(), zero: 0 }
/** Go's bool. */
export const bool: WireCodec<boolean> = { write: (writer, value) => writer.bool(value), read: reader => reader.bool(), zero: false }

/** A peer ID as multihash bytes; '' is no peer. */
export const peer: WireCodec<string> = {
  write: (writer, value) => writer.raw(value === '' ? '' : peerBytes(value)),
  read: reader => { const raw = reader.raw(); return raw.byteLength === 0 ? '' : peerText(raw) },
  zero: ''
}

/** A CID in binary; null is Go's undefined CID. */
export const cid: WireCodec<CID | null> = {
  write: (writer, value) => value == null ? writer.nil() : writer.raw(value.bytes),
  read: reader => { const raw = reader.raw(); return raw.byteLength === 0 ? null : decodeCid(Uint8Array.from(raw)) },
  zero: null
}

/** A multiaddress in binary, as text here. */
export const maddr: WireCodec<string> = {
  write: (writer, value) => writer.raw(addressBytes(value)),
  read: reader => {
    try {
      return addressText(reader.raw())
    } catch (err) {
      throw new ClusterError('INVALID_DATA', {}, { message: 'not a multiaddress', cause: err })
    }
  },
  zero: ''
}

const maxSeconds34 = 1n << 34n

/** Go's time: the payload of msgpack's timestamp as raw bytes (ugorji/go/codec); null is the zero time. */
export const time: WireCodec<WireTime | null> = {
  write: (writer, value) => {
    if (value == null) return writer.nil()
    const { seconds, nanoseconds } = value
    const buffer = Buffer.alloc(12)
    if (seconds < 0n || seconds >= maxSeconds34) {
      buffer.writeUInt32BE(nanoseconds, 0)
      buffer.writeBigInt64BE(seconds, 4)
      return writer.raw(buffer)
    }
    if (nanoseconds === 0 && seconds <= 0xffffffffn) {
      buffer.writeUInt32BE(Number(seconds), 0)
      return writer.raw(buffer.subarray(0, 4))
    }
    buffer.writeBigUInt64BE((BigInt(nanoseconds) << 34n) | seconds, 0)
    writer.raw(buffer.subarray(0, 8))
  },
  read: reader => {
    const raw = Buffer.from(reader.raw())
    if (raw.length === 0) return null
    if (raw.length === 4) return { seconds: BigInt(raw.readUInt32BE(0)), nanoseconds: 0 }
    if (raw.length === 8) {
      const packed = raw.readBigUInt64BE(0)
      return { seconds: packed & (maxSeconds34 - 1n), nanoseconds: Number(packed >> 34n) }
    }
    if (raw.length === 12) return { seconds: raw.readBigInt64BE(4), nanoseconds: raw.readUInt32BE(0) }
    throw new ClusterError('INVALID_DATA', { length: raw.length }, { message: `a time of ${raw.length} bytes` })
  },
  zero: null
}

/** Addresses of one list: each takes some microseconds to read. */
export const maxAddresses = 10_000

/** A list; null is Go's nil slice. Throws INVALID_DATA for one of more than `most` items. */
export function list<T> (item: WireCodec<T>, most = Infinity): WireCodec<T[] | null> {
  return {
    write: (writer, value) => {
      if (value == null) return writer.nil()
      writer.array(value.length)
      for (const one of value) item.write(writer, one)
    },
    read: reader => {
      if (reader.nil()) return null
      const length = reader.array()
      if (length > most) throw new ClusterError('INVALID_DATA', { length }, { message: `a list of more than ${most} items` })
      return Array.from({ length }, () => item.read(reader))
    },
    zero: null
  }
}

/** A map with text keys, null-prototype so that no key can do harm; null is Go's nil map. */
export function mapOf<T> (item: WireCodec<T>): WireCodec<Record<string, T> | null> {
  return {
    write: (writer, value) => {
      if (value == null) return writer.nil()
      const entries = Object.entries(value)
      writer.map(entries.length)
      for (const [key, one] of entries) {
        writer.raw(key)
        item.write(writer, one)
      }
    },
    read: reader => {
      if (reader.nil()) return null
      const map: Record<string, T> = Object.create(null)
      for (let left = reader.map(); left > 0; left--) map[reader.text()] = item.read(reader)
      return map
    },
    zero: null
  }
}

/** A struct's field: the key on the wire, and whether it is written even without a value (no omitempty in Go). */
export interface WireField<T> { key: string, codec: WireCodec<T>, always?: boolean }

/** A key that Go leaves out when its value is empty. */
export const field = <T>(key: string, codec: WireCodec<T>): WireField<T> => ({ key, codec })
/** A key that Go always sends. */
export const always = <T>(key: string, codec: WireCodec<T>): WireField<T> => ({ key, codec, always: true })

type Fields = Record<string, WireField<any>> // each field's type is recovered by Shape

/** The record of a struct: what wasn't on the wire is absent, so that it can be written again to the same bytes. */
export type Shape<F extends Fields> = { [K in keyof F]?: F[K] extends WireField<infer T> ? T : never }

/** A Go struct: a map with short keys in declaration order, unknown keys passed over, an array by position accepted. */
export function struct<F extends Fields> (fields: F): WireCodec<Shape<F>> {
  const entries = Object.entries(fields)
  const byKey = new Map(entries.map(([name, one]) => [one.key, { name, codec: one.codec }]))
  return {
    write: (writer, value) => {
      const present = entries.filter(([name, one]) => one.always === true || value[name] !== undefined)
      writer.map(present.length)
      for (const [name, { key, codec }] of present) {
        writer.raw(key)
        codec.write(writer, value[name] ?? codec.zero)
      }
    },
    read: reader => {
      const value: Record<string, unknown> = {}
      if (reader.nil()) return value as Shape<F>
      for (let left = reader.map(); left > 0; left--) {
        const known = byKey.get(reader.text())
        if (known == null) reader.skip()
        else value[known.name] = known.codec.read(reader)
      }
      return value as Shape<F>
    },
    zero: {}
  }
}
