import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { describe, it } from 'node:test'
import { ipFamily } from '../../../../src/base/text/ip-family.ts'

const texts = [
  '', '0.0.0.0', '127.0.0.1', '255.255.255.255', '256.0.0.1', '1.2.3', '1.2.3.4.5', '01.2.3.4', '1.2.3.4/8', ' 1.2.3.4', 'localhost',
  '::', '::1', ':::', '1::2::3', '2001:db8::8a2e:370:7334', '2001:db8:0:0:0:0:0:1', '2001:db8:0:0:0:0:0:1:2', '::ffff:1.2.3.4', '::1.2.3',
  '::ffff:1.2.3.400', 'fe80::1%eth0', 'fe80::1%', 'fe80::1%a%b', 'fe80::1%e_0', 'fe80::1% ', 'g::1', '12345::', '[::1]', '::1/128', '1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7::', ':', 'a:b'
]

describe('families of IP addresses', () => {
  for (const text of texts) {
    it(`is what Node says of ${JSON.stringify(text)}`, () => { assert.equal(ipFamily(text), isIP(text)) })
  }
})
