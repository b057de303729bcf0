#!/usr/bin/env bash
# kysely 0.29.9: why a transaction failed is lost when its ROLLBACK fails, too.
#
# A good guess: `db.transaction().execute(work)` rejects with what `work` threw, or with an AggregateError or a `cause` that has it. In fact the error of the
# ROLLBACK takes its place and nothing of the first is kept. A ROLLBACK fails exactly where it matters: when the database has ended the connection in the middle
# of the transaction. Code that tells errors apart (a unique violation, its own "quota exceeded") sees "Connection terminated" instead, and the reason is in no log.
#
# Seen (this script prints it):
#   ROLLBACK works: quota exceeded
#   ROLLBACK fails: Connection terminated
#   what the work threw, in cause or errors: false
set -euo pipefail
command -v node >/dev/null || { echo 'needs node'; exit 2; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null; npm pkg set type=module >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts kysely@0.29.9 >/dev/null 2>&1
cat > run.mjs <<'JS'
import { Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely'

const connection = { executeQuery: async () => ({ rows: [] }) }
const database = rollbackTransaction => new Kysely({
  dialect: {
    createDriver: () => ({
      init: async () => {}, destroy: async () => {}, acquireConnection: async () => connection, releaseConnection: async () => {},
      beginTransaction: async () => {}, commitTransaction: async () => {}, rollbackTransaction
    }),
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: db => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler()
  }
})
const errorOf = db => db.transaction().execute(async () => { throw new Error('quota exceeded') }).then(() => undefined, err => err)

console.log(`ROLLBACK works: ${(await errorOf(database(async () => {}))).message}`)
const err = await errorOf(database(async () => { throw new Error('Connection terminated') }))
console.log(`ROLLBACK fails: ${err.message}`)
const inside = [err.cause, err.suppressed, err.error, ...err.errors ?? []].some(one => one?.message === 'quota exceeded')
console.log(`what the work threw, in cause or errors: ${inside}`)
JS
timeout 60 node run.mjs | tee seen.txt
diff seen.txt - <<'SEEN'
ROLLBACK works: quota exceeded
ROLLBACK fails: Connection terminated
what the work threw, in cause or errors: false
SEEN
