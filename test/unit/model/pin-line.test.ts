import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cidText } from '../../../src/model/cid.ts'
import { goJson, goJsonString } from '../../../src/model/go-json.ts'
import { PinLineCutter } from '../../../src/model/pin-line.ts'
import { pinText } from '../../../src/model/pin-json.ts'
import { sortedByKey } from '../../../src/model/pin.ts'
import { formatTime } from '../../../src/model/time.ts'
import { SeededRandom } from '../../support/sim-clock.ts'
import { aPin } from '../../support/tracked-node.ts'
import { anyPin } from '../../support/any-pin.ts'

describe('a pin\'s line', () => {
  it('is cut into what was printed, whatever the pin and the lines before it', () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = new SeededRandom(seed)
      const cutter = new PinLineCutter()
      for (let at = 0; at < 400; at++) {
        const pin = anyPin(random, at)
        const { cid, name, metadata, timestamp, type, allocations, origins, maxDepth, replicationFactorMin, replicationFactorMax } = pin

        assert.deepEqual(cutter.cut(`${pinText(pin)}\n`), {
          cid: cidText(cid), nameJson: goJsonString(name), timestamp: formatTime(timestamp),
          terms: {
            type, replicationFactorMin, replicationFactorMax, maxDepth, allocations, allocationsJson: goJson(allocations),
            originsJson: goJson(origins), metadataJson: Object.keys(metadata).length === 0 ? 'null' : goJson(sortedByKey(metadata))
          }
        }, `seed ${seed}, pin ${at}: ${pinText(pin)}`)
      }
    }
  })

  it('is nothing where it is of another form, and lines behind it are cut', () => {
    const cutter = new PinLineCutter()
    const line = `${pinText(aPin(1))}\n`

    const odd = ['', '{}\n', line.replace('"shard_size":0,', ''), line.replace('"max_depth":-1', '"max_depth":null'), `x${line}`]

    assert.deepEqual(odd.map(text => cutter.cut(text)), odd.map(() => undefined))
    assert.equal(cutter.cut(line)?.cid, cidText(aPin(1).cid))
    assert.deepEqual(odd.map(text => cutter.cut(text)), odd.map(() => undefined))
    assert.equal(cutter.cut(line)?.cid, cidText(aPin(1).cid))
  })
})
