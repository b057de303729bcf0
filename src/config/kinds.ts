import { isJsonObject } from '../base/json-object.ts'
import { byteSize } from '../base/text/byte-size.ts'
import { formatDuration, parseDuration } from '../base/text/duration.ts'
import { ipFamily } from '../base/text/ip-family.ts'
import { isMultiaddr, peerOfMultiaddr } from './multiaddr-text.ts'
import { normalPeerId } from './peer-id-text.ts'
import { Secret } from './secret.ts'

/** What `parse` and `fromText` give for a value that isn't allowed. */
export const refused: unique symbol = Symbol('refused')
/** What stands for a value that is not allowed: never a value itself. */
export type Refused = typeof refused

/** The part of a map or a list that is why its value isn't allowed: where it is, and what is allowed there, to follow "must be". */
export interface WrongPart { keys: ReadonlyArray<string | number>, value: unknown, allowed: string }

/** A type of value in service.json: how it is read from JSON and from the text of an environment variable. */
export interface Kind<Value> {
  /** Its name in the reference. */
  name: string
  /** What is allowed, to follow "must be". */
  allowed: string
  /** The same in a variable, where that is another. */
  allowedText?: string
  /** The JSON value that Go takes for a key that is absent and read literally. */
  zero: unknown
  /** True for the JSON value that Go treats as "not given". */
  isEmpty (raw: unknown): boolean
  parse (raw: unknown): Value | Refused
  /** Of a map or a list that `parse` refuses; undefined when it isn't one part that is wrong. */
  wrongPart? (raw: unknown): WrongPart | undefined
  /** The JSON value that a variable's text stands for. */
  fromText (text: string): unknown
}

const same = (text: string): unknown => text
const asList = (text: string): unknown => text.trim() === '' ? [] : text.split(',')
const isList = (raw: unknown): raw is string[] => Array.isArray(raw) && raw.every(one => typeof one === 'string')

/** true or false; in the environment also 1, t, 0, f and the like, as Go's strconv.ParseBool. */
export const bool: Kind<boolean> = {
  name: 'boolean',
  allowed: 'true or false',
  zero: false,
  isEmpty: raw => raw === false,
  parse: raw => typeof raw === 'boolean' ? raw : refused,
  fromText: text => /^(1|t|T|TRUE|true|True)$/.test(text) ? true : /^(0|f|F|FALSE|false|False)$/.test(text) ? false : refused
}

/** Any text; empty is the zero value. */
export const text: Kind<string> = {
  name: 'string',
  allowed: 'a string',
  zero: '',
  isEmpty: raw => raw === '',
  parse: raw => typeof raw === 'string' ? raw : refused,
  fromText: same
}

/** A text out of a fixed list. */
export function oneOf<const Choice extends string> (choices: readonly Choice[]): Kind<Choice> {
  return {
    ...text,
    allowed: choices.map(choice => JSON.stringify(choice)).join(' or '),
    parse: raw => choices.find(choice => choice === raw) ?? refused
  }
}

/** What numbers and durations are allowed, both ends included but `above`. */
export interface Limits {
  /** Smallest value. */
  atLeast?: number
  /** The value must be larger. */
  above?: number
  atMost?: number
}

const withinLimits = (value: number, { atLeast = -Infinity, above = -Infinity, atMost = Infinity }: Limits): boolean =>
  value >= atLeast && value > above && value <= atMost

function limitsText ({ atLeast, above, atMost }: Limits, textOf: (limit: number) => string = String): string {
  const low = atLeast != null ? ` of at least ${textOf(atLeast)}` : above != null ? ` above ${textOf(above)}` : ''
  return atMost == null ? low : `${low} and at most ${textOf(atMost)}`
}

/** A whole number within the limits, in JSON a number; in a variable decimal or 0x…. */
export function int (limits: Limits = {}): Kind<number> {
  return {
    name: 'integer',
    allowed: `a whole number${limitsText(limits)}`,
    zero: 0,
    isEmpty: raw => raw === 0,
    parse: raw => Number.isSafeInteger(raw) && withinLimits(raw as number, limits) ? raw as number : refused,
    fromText: given => /^[+-]?(0|[1-9]\d*|0[xX][\da-fA-F]+)$/.test(given) ? Number(given) : refused
  }
}

/** A number within the limits, also with a fraction. */
export function float (limits: Limits = {}): Kind<number> {
  return {
    name: 'number',
    allowed: `a number${limitsText(limits)}`,
    zero: 0,
    isEmpty: raw => raw === 0,
    // 1e999 is infinite
    parse: raw => Number.isFinite(raw) && withinLimits(raw as number, limits) ? raw as number : refused,
    fromText: given => /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(given) ? Number(given) : refused
  }
}

/** A Go duration; the value is milliseconds. */
export function duration (limits: Limits = {}): Kind<number> {
  return {
    name: 'duration',
    allowed: `a duration${limitsText(limits, ms => ms === 0 ? '0' : formatDuration(ms))}, such as "1h30m" or "500ms" (units: ns, us, ms, s, m, h)`,
    zero: '0s',
    isEmpty: raw => raw === '',
    parse: raw => {
      if (typeof raw !== 'string') return refused
      try {
        const ms = parseDuration(raw)
        return withinLimits(ms, limits) ? ms : refused
      } catch {
        return refused
      }
    },
    fromText: same
  }
}

const sizesText = 'such as "10GB" or "500MiB" (units: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB)'

/** A size as people write it; the value is bytes. */
export const size: Kind<number> = {
  name: 'size',
  allowed: `a size above 0, ${sizesText}, or a whole number of bytes`,
  zero: '',
  isEmpty: raw => raw === '',
  parse: raw => {
    const bytes = byteSize(typeof raw === 'number' ? String(raw) : typeof raw === 'string' ? raw : '')
    return bytes != null && bytes > 0 ? bytes : refused
  },
  fromText: same
}

/** A size as above, or a plain number of bytes; 0 is allowed. */
export const bytes: Kind<number> = {
  ...size,
  name: 'bytes',
  allowed: `a whole number of bytes, or a size ${sizesText}`,
  parse: raw => raw === 0 || raw === '0' ? 0 : size.parse(raw)
}

/** So many in a time; null: no limit. */
export interface Rate { count: number, perMs: number }

/** So many per so long, such as "30/1m". */
export const rate: Kind<Rate | null> = {
  ...text,
  name: 'rate',
  allowed: 'a number and a duration such as "30/1m", or "" for no limit',
  parse: raw => {
    if (raw === '') return null
    const [, count = '', per = ''] = /^(\d{1,9})\/(.+)$/.exec(typeof raw === 'string' ? raw : '') ?? []
    const perMs = per === '' ? refused : duration({ above: 0 }).parse(per)
    return perMs === refused || Number(count) === 0 ? refused : { count: Number(count), perMs }
  }
}

/** A text that is never shown; null when there is none. */
export const secretText: Kind<Secret<string> | null> = {
  ...text,
  name: 'secret text',
  parse: raw => raw === '' ? null : typeof raw === 'string' ? new Secret(raw) : refused
}

/** A URL that links begin with, without its slash at the end; "" for none. */
export const publicUrl: Kind<string> = {
  ...text,
  name: 'URL',
  allowed: 'an http:// or https:// URL without query, or ""',
  parse: raw => {
    if (raw === '') return ''
    if (typeof raw !== 'string' || !/^https?:\/\//.test(raw) || !URL.canParse(raw)) return refused
    const url = new URL(raw)
    return url.search === '' && url.hash === '' && url.username === '' && url.password === '' ? url.href.replace(/\/+$/, '') : refused
  }
}

/** A list of texts. */
export const strings: Kind<string[]> = {
  name: 'list of strings',
  allowed: 'a list of strings',
  zero: [],
  isEmpty: raw => Array.isArray(raw) && raw.length === 0,
  parse: raw => isList(raw) ? raw : refused,
  wrongPart: raw => wrongElement(raw, () => true, 'a string'),
  fromText: asList
}

function wrongElement (raw: unknown, isGood: (one: string) => boolean, allowed: string): WrongPart | undefined {
  if (!Array.isArray(raw)) return undefined
  const at = raw.findIndex(one => typeof one !== 'string' || !isGood(one))
  return at < 0 ? undefined : { keys: [at], value: raw[at], allowed }
}

/** A list of texts that are each good; `element` is what one must be. */
function listOf (
  { element, isGood, ...kind }: { name: string, allowed: string, element: string, isGood: (one: string) => boolean }
): Kind<string[]> {
  return {
    ...strings,
    ...kind,
    parse: raw => isList(raw) && raw.every(isGood) ? raw : refused,
    wrongPart: raw => wrongElement(raw, isGood, element)
  }
}

/** Who answers DNS questions: the machine's resolver, or servers that speak DNS over HTTPS (plain HTTP on this machine only). */
export const dnsResolvers: Kind<string[]> = listOf({
  name: 'list of DNS resolvers',
  allowed: 'a list of "system" and URLs such as "https://dns.example/dns-query"',
  element: '"system" or a URL such as "https://dns.example/dns-query"',
  isGood: one => one === 'system' || isDnsUrl(one)
})

function isDnsUrl (given: string): boolean {
  const url = URL.canParse(given) ? new URL(given) : undefined
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(url.hostname))
}

const pairsText = 'pairs such as "name:value,other:value", and no JSON'

/** Names such as keys of metadata: a list of texts, none of them empty. */
export const names: Kind<string[]> = listOf({
  name: 'list of names',
  allowed: 'a list of strings that are not empty',
  element: 'a string that is not empty',
  isGood: one => one !== ''
})

/** Words out of a fixed set. */
export const words = (allowed: readonly string[]): Kind<string[]> => listOf({
  name: 'list of words',
  allowed: `a list of words out of ${allowed.join(', ')}`,
  element: `one of ${allowed.join(', ')}`,
  isGood: one => allowed.includes(one)
})

/** The first entry of a map that isn't what `allowed` says. */
function wrongEntry (raw: unknown, isGood: (value: unknown) => boolean, allowed: string): WrongPart | undefined {
  const [key, value] = Object.entries(isJsonObject(raw) ? raw : {}).find(([, one]) => !isGood(one)) ?? []
  return key == null ? undefined : { keys: [key], value, allowed }
}

const isText = (raw: unknown): boolean => typeof raw === 'string'

/** Text to text, `k:v,k2:v2` in a variable. */
export const stringMap: Kind<Record<string, string>> = {
  name: 'map of strings',
  allowed: 'an object whose values are strings',
  allowedText: pairsText,
  zero: {},
  isEmpty: raw => isJsonObject(raw) && Object.keys(raw).length === 0,
  parse: raw => isJsonObject(raw) && Object.values(raw).every(isText) ? raw as Record<string, string> : refused,
  wrongPart: raw => wrongEntry(raw, isText, 'a string'),
  fromText: given => pairs(given, value => value)
}

/** HTTP headers: name to values. In a variable each name has one value: `k:v,k2:v2`. */
export const headerMap: Kind<Record<string, string[]>> = {
  name: 'map of headers',
  allowed: 'an object of HTTP headers whose values are lists of strings',
  allowedText: pairsText,
  zero: {},
  isEmpty: stringMap.isEmpty,
  parse: raw => isJsonObject(raw) && Object.entries(raw).every(isHeader) ? raw as Record<string, string[]> : refused,
  wrongPart: wrongHeader,
  fromText: given => pairs(given, value => [value])
}

const isHeader = ([name, values]: [string, unknown]): boolean => isHeaderName(name) && isList(values) && values.every(isHeaderValue)
const isHeaderName = (name: string): boolean => /^[\w!#$%&'*+.^`|~-]+$/.test(name)
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const isHeaderValue = (value: string): boolean => !/[\0-\x08\x0a-\x1f\x7f]/.test(value)

function wrongHeader (raw: unknown): WrongPart | undefined {
  const [name, values] = Object.entries(isJsonObject(raw) ? raw : {}).find(one => !isHeader(one)) ?? []
  if (name == null) return undefined
  if (!isHeaderName(name)) return { keys: [name], value: values, allowed: 'under the name of a header, such as "X-Frame-Options"' }
  const part = wrongElement(values, isHeaderValue, 'a string without control characters')
  return part == null ? { keys: [name], value: values, allowed: strings.allowed } : { ...part, keys: [name, ...part.keys] }
}

function pairs<Value> (given: string, valueOf: (text: string) => Value): Record<string, Value> | Refused {
  if (given.trim() === '') return {}
  // what belongs into the file would become names with brackets
  if (/^\s*[{[]/.test(given)) return refused
  const items = given.split(',').map(item => /^([^:]*):(.*)$/s.exec(item))
  if (items.some(item => item == null)) return refused
  return Object.fromEntries(items.map(item => [item?.[1] ?? '', valueOf(item?.[2] ?? '')]))
}

/** One multiaddress. */
export const multiaddr: Kind<string> = {
  ...text,
  name: 'multiaddress',
  allowed: 'a multiaddress such as "/ip4/127.0.0.1/tcp/5001"',
  parse: raw => typeof raw === 'string' && isMultiaddr(raw) ? raw : refused
}

/** One multiaddress, or "" for none. */
const optionalMultiaddr: Kind<string> = {
  ...multiaddr,
  allowed: `${multiaddr.allowed}, or ""`,
  parse: raw => raw === '' ? '' : multiaddr.parse(raw)
}

/** One multiaddress, "" for none, or null when nothing is said. */
export const olderMultiaddr: Kind<string | null> = {
  ...multiaddr,
  allowed: `${optionalMultiaddr.allowed}, or absent`,
  zero: null,
  parse: raw => raw === null ? null : optionalMultiaddr.parse(raw)
}

/** Multiaddresses: a list, or one as plain text. */
export function multiaddrs (rule: { notEmpty?: boolean, withPeer?: boolean } = {}): Kind<string[]> {
  const isGood = (one: string): boolean => isMultiaddr(one) && (rule.withPeer !== true || peerOfMultiaddr(one) != null)
  const example = rule.withPeer === true ? '"/ip4/192.0.2.1/tcp/9096/p2p/12D3Koo…"' : '"/ip4/127.0.0.1/tcp/9096"'
  return {
    name: rule.withPeer === true ? 'list of peer addresses' : 'list of multiaddresses',
    allowed: `${rule.notEmpty === true ? 'one or more multiaddresses' : 'a list of multiaddresses'} such as ${example}`,
    zero: [],
    isEmpty: raw => raw === '' || strings.isEmpty(raw),
    parse: raw => {
      const list = raw === '' ? [] : typeof raw === 'string' ? [raw] : raw
      if (!isList(list) || !list.every(isGood)) return refused
      return rule.notEmpty === true && list.length === 0 ? refused : list
    },
    wrongPart: raw => wrongElement(raw, isGood, `a multiaddress such as ${example}`),
    fromText: asList
  }
}

/** A peer ID in base58 or CID form; the value is base58, "" when there is none. */
export const optionalPeerId: Kind<string> = {
  ...text,
  name: 'peer ID',
  allowed: 'a peer ID such as "12D3Koo…", or ""',
  parse: raw => raw === '' ? '' : typeof raw === 'string' ? normalPeerId(raw) ?? refused : refused
}

/** Peer IDs, or "*" for everybody. */
export const trustedPeers: Kind<string[]> = {
  ...strings,
  name: 'list of peer IDs',
  allowed: 'a list of peer IDs such as "12D3Koo…", or ["*"]',
  parse: raw => {
    if (!isList(raw)) return refused
    const peers = raw.map(one => one === '*' ? one : normalPeerId(one))
    return peers.every(one => one != null) ? peers : refused
  },
  wrongPart: raw => wrongElement(raw, one => one === '*' || normalPeerId(one) != null, 'a peer ID such as "12D3Koo…", or "*"')
}

/** The cluster secret: 32 bytes as hex; null when the network is open. */
export const secretHex: Kind<Secret<Uint8Array> | null> = {
  ...text,
  name: 'secret',
  allowed: '64 hexadecimal digits (32 bytes), or "" for an unprotected network',
  parse: raw => raw === ''
    ? null
    : typeof raw === 'string' && /^[\da-fA-F]{64}$/.test(raw)
    ? new Secret(Uint8Array.from(Buffer.from(raw, 'hex')))
    : refused
}

/** A libp2p private key: its protobuf in base64; null when there is none. */
export const privateKey: Kind<Secret<Uint8Array> | null> = {
  ...text,
  name: 'private key',
  allowed: 'a libp2p private key in base64, or ""',
  parse: raw =>
    raw === '' ? null : typeof raw === 'string' && isBase64(raw) ? new Secret(Uint8Array.from(Buffer.from(raw, 'base64'))) : refused
}

const isBase64 = (given: string): boolean => given.length % 4 === 0 && /^[A-Za-z\d+/]+={0,2}$/.test(given)

/** User to password; null when everybody may come in. */
export const credentials: Kind<Secret<Record<string, string>> | null> = {
  ...stringMap,
  allowed: 'null, or an object with at least one user and password',
  allowedText: 'pairs such as "user:password,other:password", and no JSON',
  zero: null,
  isEmpty: raw => raw === null,
  parse: raw => {
    if (raw === null) return null
    const users = stringMap.parse(raw)
    return users === refused || stringMap.isEmpty(users) ? refused : new Secret(users)
  }
}

/** IP addresses and networks. */
export const addresses: Kind<string[]> = listOf({
  name: 'list of addresses',
  allowed: 'a list of IP addresses and networks such as "10.0.0.1" or "10.0.0.0/8"',
  element: 'an IP address or a network such as "10.0.0.0/8"',
  isGood: isNetwork
})

function isNetwork (given: string): boolean {
  const [address = '', bits, ...more] = given.split('/')
  const family = ipFamily(address)
  return family !== 0 && more.length === 0 && (bits == null || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)))
}

/** Host names of the gateway, and how each is served. */
export type PublicHosts = Record<string, { subdomains: boolean, inline_dnslink: boolean }>

/** Host names of the gateway, with what is answered there. */
export const publicHosts: Kind<PublicHosts> = {
  name: 'map of hosts',
  allowed: 'an object of host names such as {"example.com": {"subdomains": true, "inline_dnslink": false}}',
  zero: {},
  isEmpty: stringMap.isEmpty,
  parse: raw => {
    if (!isJsonObject(raw)) return refused
    const hosts = Object.entries(raw).map(([name, settings]) => [name.toLowerCase(), hostSettings(name, settings)] as const)
    return hosts.some(([, settings]) => settings === refused) ? refused : Object.fromEntries(hosts) as PublicHosts
  },
  wrongPart: wrongHost,
  fromText: jsonOf
}

/** The JSON that a variable's text is, for kinds whose values have no shorter form. */
export function jsonOf (given: string): unknown {
  try {
    return JSON.parse(given)
  } catch {
    return refused
  }
}

const isHostName = (name: string): boolean => /^[a-z\d_]([a-z\d._-]*[a-z\d])?(:\d{1,5})?$/i.test(name)

function wrongHost (raw: unknown): WrongPart | undefined {
  const [name, value] = Object.entries(isJsonObject(raw) ? raw : {}).find(([host, one]) => hostSettings(host, one) === refused) ?? []
  if (name == null) return undefined
  return isHostName(name)
    ? { keys: [name], value, allowed: 'an object with subdomains and inline_dnslink, each true or false; addresses have no subdomains' }
    : { keys: [name], value, allowed: 'under the name of a host, such as "example.com"' }
}

function hostSettings (name: string, raw: unknown): PublicHosts[string] | Refused {
  if (!isHostName(name) || !isJsonObject(raw)) return refused
  const { subdomains = false, inline_dnslink: inline = false, ...more } = raw
  if (typeof subdomains !== 'boolean' || typeof inline !== 'boolean' || Object.keys(more).length > 0) return refused
  // an address has no names below it
  return subdomains && ipFamily(name.replace(/:\d+$/, '')) !== 0 ? refused : { subdomains, inline_dnslink: inline }
}
