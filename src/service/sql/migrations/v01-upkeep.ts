/**
 * What the database keeps by itself: counters, and what names and metadata are searched in. As triggers, so that no way of writing a row
 * can forget them.
 */

interface Counted {
  table: 'files' | 'pins'
  /** The column that is counted by its values. */
  state: string
  /** Whether users have `file_count` and `file_bytes` of it, which leave out rows that only stand for pins (`origin`). */
  isFiles: boolean
}

const counted: readonly Counted[] = [{ table: 'files', state: 'state', isFiles: true }, { table: 'pins', state: 'status', isFiles: false }]

/** Row by row. Plain statements rather than upserts: those would take over a conflict clause of the statement outside. */
export function sqliteUpkeep (): string[] {
  return counted.flatMap(one => [...sqliteSearchTables(one), ...sqliteTriggers(one)])
}

function sqliteSearchTables ({ table }: Counted): string[] {
  return [
    // names are folded already; the tables hold no texts of their own
    `CREATE VIRTUAL TABLE ${table}_names USING fts5 (name_key, content='', contentless_delete=1, tokenize='trigram case_sensitive 1')`,
    // for texts of one or two characters, see `spaced`
    `CREATE VIRTUAL TABLE ${table}_short USING fts5 (spaced, content='', contentless_delete=1, detail=none, tokenize='trigram case_sensitive 1')`,
    `CREATE TABLE ${table}_meta (user_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (user_id, key, value, seq)) STRICT, WITHOUT ROWID`
  ]
}

function sqliteTriggers ({ table, state, isFiles }: Counted): string[] {
  const isCounted = (row: string): string => isFiles ? `${row}.origin <> 'pins'` : 'TRUE'
  const add = (row: string, by: number): string => {
    const name = `'${table}:' || ${row}.${state}`
    return `
      INSERT INTO counters (user_id, name, value) SELECT ${row}.user_id, ${name}, 0
        WHERE ${isCounted(row)} AND NOT EXISTS (SELECT 1 FROM counters WHERE user_id = ${row}.user_id AND name = ${name});
      UPDATE counters SET value = value + ${by} WHERE user_id = ${row}.user_id AND name = ${name} AND ${isCounted(row)};`
  }
  const totals = (row: string, sign: string): string => isFiles
    ? `UPDATE users SET file_count = file_count ${sign} 1, file_bytes = file_bytes ${sign} ${row}.size_bytes WHERE id = ${row}.user_id AND ${isCounted(row)};`
    : ''
  const addPairs = `INSERT INTO ${table}_meta SELECT new.user_id, key, value, new.seq FROM json_each(new.meta) WHERE type = 'text';`
  const removePairs =
    `DELETE FROM ${table}_meta WHERE user_id = old.user_id AND seq = old.seq AND key IN (SELECT key FROM json_each(old.meta));`
  const addName = `
    INSERT INTO ${table}_names (rowid, name_key) VALUES (new.seq, new.name_key);
    INSERT INTO ${table}_short (rowid, spaced) VALUES (new.seq, spaced(new.name_key));`
  const removeName = `DELETE FROM ${table}_names WHERE rowid = old.seq; DELETE FROM ${table}_short WHERE rowid = old.seq;`
  const trigger = (name: string, when: string, work: string): string => `CREATE TRIGGER ${table}_${name} AFTER ${when} BEGIN ${work} END`
  const counts = isFiles ? ['size_bytes', 'origin', state] : [state]
  return [
    trigger('added', `INSERT ON ${table}`, `${add('new', 1)} ${totals('new', '+')} ${addPairs} ${addName}`),
    trigger('removed', `DELETE ON ${table}`, `${add('old', -1)} ${totals('old', '-')} ${removePairs} ${removeName}`),
    trigger('changed',
    `UPDATE OF ${counts.join(', ')} ON ${table} WHEN ${counts.map(column => `old.${column} <> new.${column}`).join(' OR ')}`,
      `${add('old', -1)} ${totals('old', '-')} ${add('new', 1)} ${totals('new', '+')}`),
    trigger('renamed', `UPDATE OF name_key ON ${table} WHEN old.name_key <> new.name_key`, `${removeName} ${addName}`),
    trigger('described', `UPDATE OF meta ON ${table} WHEN old.meta <> new.meta`, `${removePairs} ${addPairs}`)
  ]
}

/** What was inserted last is kept in a list (kB), which every search goes through. The usual 4 MB take 150 ms. */
const steady = 'WITH (gin_pending_list_limit = 64)'

/**
 * Statement by statement: a thousand rows that go at once are one change of a counter. Names and metadata have indexes of their own kind.
 */
export function postgresUpkeep (): string[] {
  return [
    'CREATE EXTENSION IF NOT EXISTS pg_trgm',
    'CREATE EXTENSION IF NOT EXISTS btree_gin',
    // all pieces of one and two characters, for texts that have no trigram
    `CREATE FUNCTION service_short_pieces (name text) RETURNS text[] IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
      SELECT coalesce(array_agg(DISTINCT substr(name, at, length)), '{}') FROM generate_series(1, char_length(name)) AS at, generate_series(1, 2) AS length $$`,
    ...counted.flatMap(one => [
      `CREATE INDEX ${one.table}_names ON ${one.table} USING gin (user_id, name_key gin_trgm_ops) ${steady}`,
      `CREATE INDEX ${one.table}_short ON ${one.table} USING gin (user_id, service_short_pieces(name_key)) ${steady}`,
      `CREATE INDEX ${one.table}_meta ON ${one.table} USING gin (user_id, (meta::jsonb) jsonb_path_ops) ${steady} WHERE meta <> '{}'`,
      ...postgresTriggers(one)
    ])
  ]
}

function postgresTriggers ({ table, state, isFiles }: Counted): string[] {
  const rows = (transition: string, by: number): string =>
    `SELECT user_id, ${state} AS state, ${isFiles ? 'size_bytes' : '0::bigint'} AS bytes, ${by}::bigint AS n FROM ${transition}${isFiles ? ' WHERE origin <> \'pins\'' : ''}`
  const added = rows('added', 1)
  const removed = rows('removed', -1)
  const counting = (changes: string): string => `
    INSERT INTO counters (user_id, name, value)
      SELECT user_id, '${table}:' || state, sum(n)::bigint FROM (${changes}) AS changes GROUP BY user_id, state HAVING sum(n) <> 0 ORDER BY user_id, state
      ON CONFLICT (user_id, name) DO UPDATE SET value = counters.value + excluded.value;
    ${isFiles ? totals(changes) : ''}
    RETURN NULL;`
  const event = (name: string, when: string, transitions: string, changes: string): string[] => [
    `CREATE FUNCTION ${table}_${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${counting(changes)} END $$`,
    `CREATE TRIGGER ${table}_${name} AFTER ${when} ON ${table} REFERENCING ${transitions} FOR EACH STATEMENT EXECUTE FUNCTION ${table}_${name}()`
  ]
  return [
    ...event('added', 'INSERT', 'NEW TABLE AS added', added),
    ...event('removed', 'DELETE', 'OLD TABLE AS removed', removed),
    ...event('changed', 'UPDATE', 'NEW TABLE AS added OLD TABLE AS removed', `${added} UNION ALL ${removed}`)
  ]
}

const totals = (changes: string): string => `
    UPDATE users SET file_count = file_count + total.n, file_bytes = file_bytes + total.bytes
      FROM (SELECT user_id, sum(n)::bigint AS n, sum(n * bytes)::bigint AS bytes FROM (${changes}) AS changes GROUP BY user_id) AS total
      WHERE users.id = total.user_id AND (total.n <> 0 OR total.bytes <> 0);`
