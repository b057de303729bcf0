/**
 * Loaded before the tests of a process (`--import`). node:test follows each promise to know which test it belongs to, which doubles the
 * time of tests that await much. Here it follows timers, connections and the like only: what goes wrong outside of any test still fails
 * the file.
 */
import hooks from 'node:async_hooks'

const { createHook } = hooks

hooks.createHook = callbacks => createHook({ ...callbacks, trackPromises: false })
