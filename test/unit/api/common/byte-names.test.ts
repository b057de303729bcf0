import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bytesOfText } from '../../../../src/base/text/byte-text.ts'
import { tarHeader } from '../../../../src/api/common/dag/tar.ts'
import { decodeSegment, encodeName } from '../../../../src/api/gateway/location/content-path.ts'
import { Query } from '../../../../src/http/request/query.ts'
import { addedOutputJson } from '../../../../src/model/add.ts'
import { goJson, goJsonString } from '../../../../src/model/go-json.ts'
import { byteNames, escapedBytes } from '../../../support/byte-names.ts'

describe('bytes that are no UTF-8', () => {
  it('are replaced one by one in JSON, as Go does it', () => {
    const line = addedOutputJson({ name: 'n/\udcf1\udcff.bin', cid: null, bytes: 1, size: 0, allocations: [] })

    assert.equal(goJson(line), '{"name":"n/\\ufffd\\ufffd.bin","cid":null,"bytes":1}')
    assert.equal(goJsonString('\\udcf1 \ufffd \u{1f600}\ud800'), '"\\\\udcf1 \ufffd \u{1f600}\\ufffd"')
  })

  it('stay in paths and queries, and are escaped again in links', () => {
    for (const name of byteNames()) {
      const escaped = escapedBytes(name)
      const fromPath = decodeSegment(escaped)
      const fromQuery = new Query(`arg=${escaped}`).get('arg')

      assert.deepEqual([bytesOfText(fromPath), bytesOfText(fromQuery)], [name, name])
      assert.equal(decodeSegment(encodeName(fromPath)), fromPath)
      assert.equal(decodeSegment(name.toString('latin1').replaceAll('%', '%25')), fromPath)
    }
  })

  it('stand in an archive as in one of Go 1.26: all in the long header, none in the short ones', () => {
    const header = Buffer.from(tarHeader({
      name: 'n/\udcf1.bin', type: 'symlink', sizeBytes: 0, mode: 0o777, mtime: { seconds: 0, nanoseconds: 0 }, target: '\udcf2'
    }))
    const text = header.toString('latin1')

    assert.equal(text.slice(0, 100).replace(/\0+$/, ''), 'n/PaxHeaders.0/.bin')
    assert.equal(text.slice(512, 542), '16 path=n/\xf1.bin\n14 linkpath=\xf2\n')
    assert.equal(text.slice(1024, 1124).replace(/\0+$/, ''), 'n/.bin')
  })
})
