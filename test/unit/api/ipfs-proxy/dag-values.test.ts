import assert from 'node:assert/strict'
import { CarWriter } from '@ipld/car'
import { describe, it } from 'node:test'
import type { CID } from '../../../../src/model/cid.ts'
import { rawBlock } from '../../../support/unixfs-blocks.ts'
import { jsonLinesOf, jsonOf, proxyPeer, uploadOf } from '../../../support/proxy-peer.ts'

/** What Kubo 0.44 answers: the block's CID as dag-cbor and as dag-json, and what `dag/get` gives of the first. */
const values: ReadonlyArray<readonly [given: string, cbor: string, json: string, got: string]> = [
  [
    '{"a":1.0}', 'bafyreifs2olxiewfjhsszcpgoa4jd3t4eduvyp4bvukn7sjisbjt4fn3k4',
    'baguqeeraafnl2724yv5c3wklowipaswybbbhhec64m7mltv6vzrco2ux7bra', '{"a":1}'
  ],
  [
    '{"a":1}', 'bafyreihltcnuuyqp2jm24aqydpnlj7b6w3ogwrplomrjtg5rifv44mmjey',
    'baguqeeraafnl2724yv5c3wklowipaswybbbhhec64m7mltv6vzrco2ux7bra', '{"a":1}'
  ],
  [
    '[1.5,2.0,1e3,1e21,1e-7,-0.0,-0]', 'bafyreidd57p7nc3q2s7hv5nuhby6kq3na4h36dcqk5ssg3eyi3zvnw4xfi',
    'baguqeeral44bacj24zghxygmomvbikmo6jdmsovu737dse75cok2k3kacrbq', '[1.5,2,1000,1e+21,1e-7,-0,0]'
  ],
  [
    '9223372036854775807', 'bafyreih2npqkh2altk6fydcmxj4kibc6qj5p44r7jnktdw22txixdi2qli',
    'baguqeerawnfbymfhcx3l7c3siox2p6vyqphdmevxemlrnpolxxazqlq25uuq', '9223372036854775807'
  ],
  [
    '-9223372036854775808', 'bafyreidh4mvwi7pnv62beigtnibakkxpsgjzua5g7kdvu2deltah6kigay',
    'baguqeeraqu4gi57tv5d6jiftbdxdwotirxyw5czcfaif3v6u3tkcvgahzn4a', '-9223372036854775808'
  ],
  [
    '{"/":"BAFKREIBM6JG3UX5QUMHCN2B3FLC3TYU6DMLB4XA7U5BF44YEGNRJHC4YEQ"}', 'bafyreic4sahhddigxpvzcxl4tpftskderepne2hlgjuyufieibf6cd3a3q',
    'baguqeeranu2uy55e4gj2ibjfxtw5zkwznigooxcwnztjw3czskqaf4pxqotq', '{"/":"bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq"}'
  ],
  [
    '{"/":"x","a":1}', 'bafyreibxjyk46zgasgplobxobthgkbna2wgz4y6mgiwa5yxylg43hlb6oe',
    'baguqeeralpt3ogyebzowycar5irdp2jpevjhjgwd4p6hefujdoyl54zvy6mq', '{"/":"x","a":1}'
  ],
  [
    '{"/":{"bytes":"AQI="}}', 'bafyreiagyooscv7ltocejbhyrxd6pqraklzfn6hslq3n555qffvy26rypm',
    'baguqeerauoidg5zjdwjv7i2b6f5ccatia7ecyesscytrmovkbhjsq3qrbe2q', '{"/":{"bytes":"AQI"}}'
  ],
  [
    '{"/":{"bytes":1}}', 'bafyreihog3ibu65yo2qnfwnmxdpwuwm2rkg2hc7wchep4ubhj65phrnnfq',
    'baguqeerazol22hjp3cl6utkhgf43nyickidrxxpaaeuobzcpfihjgvqwqnva', '{"/":{"bytes":1}}'
  ],
  [
    ' {"b":1,"aa":2} ', 'bafyreihbaf6v4gjeo76rl6ncekrny5lwbgyjf7zdw2m7w77xsjm3xvige4',
    'baguqeerapyilpo36iayt5dvy7lvivwhk5wclbhzwmjxfd6srqq3nxr36kira', '{"aa":2,"b":1}'
  ],
  [
    '"\\ud83d"', 'bafyreifdqok74lgragssqds33li6gwz6awdngpissatnlvgs2p52wvypgi',
    'baguqeerak2dacbydctqpise4tfclhqkr2usr2n4tgaaife53pynie2rcvbcq', '"\ufffd"'
  ],
  [
    '{"10":1,"9":2}', 'bafyreifnizfwx7pc4c3xjxfwdtzsj5sru2kx2fflqjbuvgmb4txl7briuu',
    'baguqeeramfsvf3p5limdxxhckaitwfpnjfbbnckkz5bdiqy6t3xwuhvzm5na', '{"10":1,"9":2}'
  ],
  [
    '0e1', 'bafyreihyqkjmzcn7bsaqmdlacjri7uzj5thdkiuzs6se6o7vlapgqs2p6i', 'baguqeeral7wowzx7zbxtrwkspbwg22lmphbnxqrz3vhjdndhfhltuj73k7uq',
    '0'
  ]
]

const refused: ReadonlyArray<readonly [given: string, message: string]> = [
  ['9223372036854775808', 'strconv.ParseInt: parsing "9223372036854775808": value out of range'],
  ['18446744073709551616', 'strconv.ParseInt: parsing "18446744073709551616": value out of range'],
  ['-9223372036854775809', 'strconv.ParseInt: parsing "-9223372036854775809": value out of range'],
  ['1e400', 'strconv.ParseFloat: parsing "1e400": value out of range'],
  ['{"a":1,"a":2}', 'cannot repeat map key "a"'],
  ['{"/":"x"}', 'invalid cid: cid too short']
]

describe('values through dag/put and dag/get', () => {
  for (const [given, cbor, json, got] of values) {
    it(`${given} becomes the blocks that Kubo makes, and comes back as from Kubo`, async () => {
      const peer = proxyPeer()

      assert.deepEqual(jsonOf(await peer.ask('dag/put', uploadOf(given))), { Cid: { '/': cbor } })
      assert.deepEqual(jsonOf(await peer.ask('dag/put?store-codec=dag-json', uploadOf(given))), { Cid: { '/': json } })
      assert.equal((await peer.ask(`dag/get?arg=${cbor}`)).body.toString(), got)
    })
  }

  it('bytes that are no UTF-8 become U+FFFD one by one, as in Kubo', async () => {
    const peer = proxyPeer()

    assert.deepEqual(
      jsonOf(await peer.ask('dag/put', uploadOf(Buffer.from([0x22, 0xf1, 0x22])))),
      { Cid: { '/': 'bafyreifdqok74lgragssqds33li6gwz6awdngpissatnlvgs2p52wvypgi' } }
    )
  })

  for (const [given, message] of refused) {
    it(`${given} is refused in Kubo's words`, async () => {
      const reply = await proxyPeer().ask('dag/put', uploadOf(given))

      assert.equal(reply.status, 500)
      assert.equal(jsonOf(reply).Message, message)
    })
  }

  it('codecs that can not be written are refused in Kubo\'s words, with a line end also when the cluster pins', async () => {
    const peer = proxyPeer()
    const message = async (request: string): Promise<string> => (await peer.ask(request, uploadOf('{"a":1}'))).body.toString()

    for (const request of [
      'dag/put?store-codec=x', 'dag/put?input-codec=x', 'dag/put?hash=x', 'dag/get?arg=bafkqaaa&output-codec=x',
      'dag/put?pin=true&store-codec=x', 'block/put?pin=true&cid-codec=x'
    ]) {
      assert.equal(await message(request), '{"Message":"unknown multicodec: \\"x\\"","Code":0,"Type":"error"}\n')
    }
    assert.equal(
      JSON.parse(await message('dag/put?store-codec=libp2p-key')).Message, 'no encoder registered for multicodec code 114 (0x72)'
    )
    assert.equal(
      JSON.parse(await message('dag/get?arg=bafkqaaa&output-codec=libp2p-key')).Message,
      'invalid encoding: libp2p-key - no encoder registered for multicodec code 114 (0x72)'
    )
    assert.equal(
      JSON.parse(await message('dag/put?store-codec=raw')).Message,
      'func called on wrong kind: "AsBytes" called on a map node (kind: map), but only makes sense on bytes'
    )
  })

  it('names of links are bytes, in each codec', async () => {
    const peer = proxyPeer()
    const block = Buffer.from(`12280a221220${'ab'.repeat(32)}1202f1ff`, 'hex')
    const { Key: cid } = jsonOf(await peer.ask('block/put?cid-codec=dag-pb', uploadOf(block)))
    const got = async (codec: string): Promise<Buffer> => (await peer.ask(`dag/get?arg=${cid}&output-codec=${codec}`)).body

    assert.match((await got('dag-json')).toString(), /"Name":"\\ufffd\\ufffd"/)
    assert.ok((await got('dag-cbor')).includes(Buffer.from('644e616d6562f1ff', 'hex')))
    assert.ok((await got('dag-pb')).equals(block))
  })

  it('links are stored in the order of their names', async () => {
    const link = (name: string): unknown => ({ Hash: { '/': 'bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq' }, Name: name })

    const reply = await proxyPeer().ask('dag/put?store-codec=dag-pb', uploadOf(JSON.stringify({ Links: [link('b'), link('a')] })))

    assert.deepEqual(jsonOf(reply), { Cid: { '/': 'bafybeig2c7sdccol2zh32b6stnybqg77gdp4qbijoq7ukkb5xx5nfuq36i' } })
  })
})

async function carOf (roots: CID[], blocks: Array<Awaited<ReturnType<typeof rawBlock>>>): Promise<Buffer> {
  const { writer, out } = CarWriter.create(roots)
  const collecting = Array.fromAsync(out)
  for (const block of blocks) await writer.put(block)
  await writer.close()
  return Buffer.concat(await collecting)
}

/** The CAR in one of version 2, with padding before it and an index behind. */
function carV2 (car: Buffer): Buffer {
  const header = Buffer.alloc(40)
  header.writeBigUInt64LE(BigInt(51 + 13), 16)
  header.writeBigUInt64LE(BigInt(car.length), 24)
  return Buffer.concat([Buffer.from('0aa16776657273696f6e02', 'hex'), header, Buffer.alloc(13), car, Buffer.from('an index')])
}

describe('dag/import', () => {
  it('takes any number of roots and CARs of version 2, with a line for each root and one for all blocks', async () => {
    const [one, two, missing] = await Promise.all(['one', 'two', 'missing'].map(rawBlock)) as [
      Awaited<ReturnType<typeof rawBlock>>, Awaited<ReturnType<typeof rawBlock>>, Awaited<ReturnType<typeof rawBlock>>
    ]
    const peer = proxyPeer()

    const lines = jsonLinesOf(
      await peer.ask(
        'dag/import?stats=true',
        uploadOf(await carOf([one.cid, missing.cid], [one]), carV2(await carOf([two.cid, one.cid], [two])), await carOf([], [one]))
      )
    )

    const root = (cid: CID, PinErrorMsg = ''): unknown => ({ Root: { Cid: { '/': String(cid) }, PinErrorMsg } })
    assert.deepEqual(
      lines,
      [
        root(one.cid), root(missing.cid, `ipld: could not find ${String(missing.cid)}`), root(two.cid),
        { Stats: { BlockCount: 3, BlockBytesCount: 9 } }
      ]
    )
  })

  it('says at or behind which block it failed', async () => {
    const one = await rawBlock('one')
    const car = await carOf([one.cid], [one])
    const message = async (bytes: Buffer): Promise<string> => jsonOf(await proxyPeer().ask('dag/import', uploadOf(bytes))).Message

    assert.equal(await message(car.subarray(0, -1)), 'import failed: unexpected EOF')
    assert.equal(await message(Buffer.concat([car, Buffer.from([5])])), `import failed after block "${String(one.cid)}": unexpected EOF`)
    assert.match(
      await message(await carOf([one.cid], [one, { cid: one.cid, bytes: Buffer.from('other') }])),
      /^import failed after block "\w+": mismatch in content integrity, expected: \w+, got: \w+$/
    )
    assert.equal(await message(Buffer.from('0aa16776657273696f6e03', 'hex')), 'invalid car version: 3')
  })

  it('pins nothing of a partial CAR', async () => {
    const one = await rawBlock('one')
    const peer = proxyPeer()

    const reply = await peer.ask('dag/import?local-only=true', uploadOf(await carOf([one.cid], [one])))
    const both = await peer.ask('dag/import?local-only=true&pin-roots=true', uploadOf(await carOf([one.cid], [one])))

    assert.equal(reply.body.length, 0)
    assert.match(jsonOf(both).Message, /^--local-only implies --pin-roots=false/)
  })
})
