// Loaded before a peer (`node --import`): its wall clock is wrong by the milliseconds in the file $CHAOS_SHIFT_FILE, which may change at any time.
import { readFileSync } from 'node:fs'

const file = process.env.CHAOS_SHIFT_FILE
const RealDate = Date
let shiftMs = 0

const look = () => {
  try {
    shiftMs = Number(readFileSync(file, 'utf8')) || 0
  } catch { /* none yet */ }
}

if (file != null) {
  look()
  setInterval(look, 50).unref()
  globalThis.Date = class Date extends RealDate {
    constructor (...given) {
      if (given.length === 0) super(RealDate.now() + shiftMs)
      else super(...given)
    }

    static now () { return RealDate.now() + shiftMs }
  }
}
