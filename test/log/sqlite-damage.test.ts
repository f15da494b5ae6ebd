/** A damaged, foreign, newer or swapped log is noticed at opening, moved aside untouched, and said so. */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LINE_END, type Row, rowToLine } from '../../src/core/log/codec.ts';
import { readHead } from '../../src/core/log/head-file.ts';
import { nextHash, rootHash } from '../../src/core/log/sqlite-chain.ts';
import {
  BLOB,
  COMMITS,
  copyLog,
  EVENTS,
  everythingIn,
  isNoticed,
  makeOriginals,
  type Originals,
  verdictOn,
} from './damage-fixtures.ts';
import { eventsFrom, openTestLog, randomFrom, readAll } from './log-fixtures.ts';

/** In each of four files. */
const FLIPS = Number(process.env['TURNOUT_TEST_FLIPS'] ?? 100);
const SEED = Number(process.env['TURNOUT_TEST_SEED'] ?? Date.now() % 1_000_000);

let originals: Originals;
let untouched: string;

beforeAll(async () => {
  originals = await makeOriginals(mkdtempSync(join(tmpdir(), 'turnout-damage-')));
  untouched = everythingIn(copyLog(originals.closed, originals.root));
});
afterAll(() => rmSync(originals.root, { recursive: true, force: true }));

const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

function flip(path: string, bit: number): void {
  const bytes = readFileSync(path);
  bytes[bit >> 3]! ^= 1 << (bit & 7);
  writeFileSync(path, bytes);
}

/** Changes a closed log behind turnout's back, triggers and all. */
function tamper(dir: string, ...sql: string[]): void {
  const db = new Database(join(dir, 'events.db'));
  const triggers = db.prepare<[], [string, string]>("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'");
  const all = triggers.raw().all();
  for (const [name] of all) db.exec(`DROP TRIGGER ${name}`);
  for (const statement of sql) db.exec(statement);
  for (const [, text] of all) db.exec(text);
  db.close();
}

describe('a log that was left by', () => {
  it('a clean end is sound', () => {
    expect(verdictOn(copyLog(originals.closed, originals.root))).toBe('sound');
    expect(JSON.parse(untouched)[3]).toBe(BLOB);
  });

  it('a kill is sound', () => {
    const dir = copyLog(originals.killed, originals.root);
    expect(statSync(join(dir, 'events.db-wal')).size).toBeGreaterThan(0);
    expect(verdictOn(dir)).toBe('sound');
    expect(everythingIn(dir)).toBe(untouched);
  });

  it('a kill before the head was written is sound, and the head advances', async () => {
    const dir = copyLog(originals.closed, originals.root);
    const db = new Database(join(dir, 'events.db'), { readonly: true });
    const [last, hash] = db.prepare<[], [number, string]>('SELECT last, hash FROM commits LIMIT 1').raw().get()!;
    db.close();
    writeHeadOf(dir, last, hash);
    const { log, head, replaced } = await openTestLog(dir);
    expect({ head, replaced }).toEqual({ head: EVENTS, replaced: null });
    await log.close();
    expect(readHead(join(dir, 'head.json'))).toMatchObject({ position: EVENTS });
  });

  it('someone who removed its head is opened with a warning', async () => {
    const dir = copyLog(originals.closed, originals.root);
    rmSync(join(dir, 'head.json'));
    const { head, warnings } = await openTestLog(dir);
    expect(head).toBe(EVENTS);
    expect(warnings).toEqual([
      'the head of the event log is missing: whether its newest events were lost cannot be told',
    ]);
  });

  it('someone who damaged only its head is opened with a warning', async () => {
    const dir = copyLog(originals.closed, originals.root);
    flip(join(dir, 'head.json'), 8 * 30);
    const { head, warnings } = await openTestLog(dir);
    expect(head).toBe(EVENTS);
    expect(warnings).toHaveLength(1);
  });
});

describe('a flipped bit', () => {
  it.each([
    ['the database of a closed log', 'closed', 'events.db'],
    ['the database of a killed log', 'killed', 'events.db'],
    ['the write-ahead file of a killed log', 'killed', 'events.db-wal'],
    ['the head of a killed log', 'killed', 'head.json'],
  ] as const)(`in %s is noticed, or changes nothing that is read (seed ${SEED})`, (_, kind, name) => {
    const random = randomFrom(SEED);
    const dir = copyLog(originals[kind], originals.root);
    const bits = statSync(join(dir, name)).size * 8;
    const tally = { noticed: 0, harmless: 0 };
    const unnoticed: number[] = [];
    for (let count = 0; count < FLIPS; count += 1) {
      for (const file of ['events.db', 'events.db-wal', 'head.json']) {
        if (existsSync(join(originals[kind], file))) copyFileSync(join(originals[kind], file), join(dir, file));
        else rmSync(join(dir, file), { force: true });
      }
      rmSync(join(dir, 'events.db-shm'), { force: true });
      const bit = Math.floor(random() * bits);
      flip(join(dir, name), bit);
      if (isNoticed(dir)) tally.noticed += 1;
      else if (everythingIn(dir) === untouched) tally.harmless += 1;
      else unnoticed.push(bit);
    }
    expect(unnoticed).toEqual([]);
    expect(tally.noticed).toBeGreaterThan(0);
  });
});

describe('a write-ahead file that was cut', () => {
  it('is noticed wherever it was cut: at every frame, and a byte before and after it', () => {
    const dir = copyLog(originals.killed, originals.root);
    const size = statSync(join(dir, 'events.db-wal')).size;
    const frame = 24 + 4096;
    const frames = (size - 32) / frame;
    const cuts = Array.from({ length: frames }, (_, index) => 32 + index * frame).flatMap((at) => [at - 1, at, at + 1]);
    expect(frames).toBeGreaterThan(COMMITS);
    for (const cut of [0, ...cuts, size - 1]) {
      copyFileSync(join(originals.killed, 'events.db'), join(dir, 'events.db'));
      copyFileSync(join(originals.killed, 'events.db-wal'), join(dir, 'events.db-wal'));
      rmSync(join(dir, 'events.db-shm'), { force: true });
      truncateSync(join(dir, 'events.db-wal'), cut);
      expect([cut, verdictOn(dir)]).toEqual([cut, 'events-lost']);
    }
  });

  it('is noticed when it is missing', () => {
    const dir = copyLog(originals.killed, originals.root);
    rmSync(join(dir, 'events.db-wal'));
    expect(verdictOn(dir)).toBe('events-lost');
  });
});

describe('a log that someone changed', () => {
  it.each([
    ['a changed event', `UPDATE events SET data = replace(data, '1234', '1235') WHERE position = 100`],
    ['a changed time', 'UPDATE events SET at = at + 1 WHERE position = 100'],
    ['a removed event', 'DELETE FROM events WHERE position = 100'],
    ['a removed last event', `DELETE FROM events WHERE position = ${EVENTS}`],
    [
      'an added event',
      `INSERT INTO events SELECT position + 1, at, type, version, model, request, cause, data
       FROM events WHERE position = ${EVENTS}`,
    ],
    ['a removed commit', `DELETE FROM commits WHERE last = ${EVENTS / COMMITS}`],
    [
      'two exchanged events',
      `UPDATE events SET position = 9999 WHERE position = 100;
       UPDATE events SET position = 100 WHERE position = 101; UPDATE events SET position = 101 WHERE position = 9999`,
    ],
    ['a changed blob', "UPDATE blobs SET bytes = 'models: {x}'"],
    ['another base', "UPDATE meta SET value = 1 WHERE key = 'base'"],
    ['a missing index', 'DROP INDEX events_request'],
  ])('%s is damage', (_, ...sql) => {
    const dir = copyLog(originals.closed, originals.root);
    tamper(dir, ...sql);
    expect(verdictOn(dir)).toBe('damaged');
  });

  it.each(['DROP TRIGGER events_never_change', 'DROP TABLE blobs', 'DROP TABLE meta'])('by %s is damage', (sql) => {
    const dir = copyLog(originals.closed, originals.root);
    const db = new Database(join(dir, 'events.db'));
    db.exec(sql);
    db.close();
    expect(verdictOn(dir)).toBe('damaged');
  });

  it('by another index is sound: nothing that was written is touched', () => {
    const dir = copyLog(originals.closed, originals.root);
    tamper(dir, 'CREATE INDEX of_mine ON events (type)');
    expect(verdictOn(dir)).toBe('sound');
  });

  it('loses its last commits: the head knows better', () => {
    const dir = copyLog(originals.closed, originals.root);
    const from = EVENTS - EVENTS / COMMITS;
    tamper(dir, `DELETE FROM events WHERE position > ${from}; DELETE FROM commits WHERE last > ${from}`);
    expect(verdictOn(dir)).toBe('events-lost');
  });

  it('and made its hashes anew differs from its head', () => {
    const dir = copyLog(originals.closed, originals.root);
    tamper(dir, 'UPDATE events SET at = at + 1 WHERE position = 100');
    rehash(dir);
    expect(verdictOn(dir)).toBe('swapped');
  });

  it('for an older copy of itself has lost events', () => {
    const dir = copyLog(originals.killed, originals.root);
    rmSync(join(dir, 'events.db-wal'));
    rmSync(join(dir, 'events.db-shm'), { force: true });
    expect(verdictOn(dir)).toBe('events-lost');
  });

  it('for another log of the same length is not that log', async () => {
    const dir = copyLog(originals.closed, originals.root);
    const other = await openTestLog(join(dir, 'other'));
    other.log.append(eventsFrom(1, EVENTS), true);
    await other.log.close();
    copyFileSync(join(dir, 'other', 'events.db'), join(dir, 'events.db'));
    expect(verdictOn(dir)).toBe('swapped');
  });
});

describe('openSqliteLog() on what it cannot use', () => {
  type Make = (dir: string) => void;
  const database = (dir: string) => join(dir, 'events.db');
  const cases: [what: string, reason: string, make: Make][] = [
    ['a file of 0 bytes', 'empty', (dir) => truncateSync(database(dir), 0)],
    ['garbage', 'not-a-database', (dir) => writeFileSync(database(dir), 'no database at all\n'.repeat(1_000))],
    ['a short piece of garbage', 'not-a-database', (dir) => writeFileSync(database(dir), 'x')],
    ['half of it', 'damaged', (dir) => truncateSync(database(dir), 4096 * 5)],
    ['nothing, though its head is there', 'missing', (dir) => rmSync(database(dir))],
    [
      'a directory',
      'not-a-file',
      (dir) => {
        rmSync(database(dir));
        mkdirSync(join(database(dir), 'inner'), { recursive: true });
      },
    ],
    [
      'a symbolic link that leads to itself',
      'not-a-file',
      (dir) => {
        rmSync(database(dir));
        symlinkSync(database(dir), database(dir));
      },
    ],
    [
      'the database of another program',
      'foreign',
      (dir) => {
        rmSync(database(dir));
        new Database(database(dir)).exec('CREATE TABLE notes (text)').close();
      },
    ],
    ['a newer format', 'newer', (dir) => tamper(dir, 'PRAGMA user_version = 99')],
    ['a changed event', 'damaged', (dir) => tamper(dir, "UPDATE events SET type = 'x' WHERE position = 7")],
  ];

  it.each(cases)('moves %s aside untouched and begins a new log', async (_, reason, make) => {
    const dir = copyLog(originals.closed, originals.root);
    make(dir);
    const found = lstatSync(database(dir), { throwIfNoEntry: false });
    const before = found?.isFile() ? digest(database(dir)) : null;
    const { log, head, replaced } = await openTestLog(dir);
    expect(head).toBe(0);
    expect(replaced?.reason).toMatch(new RegExp(`^${reason}: `));
    expect(replaced?.movedTo).toMatch(new RegExp(`/events\\.db\\.${reason}-\\d{8}T\\d{9}Z(\\.head\\.json)?$`));
    if (before !== null) expect(digest(replaced!.movedTo)).toBe(before);
    log.append(eventsFrom(1, 3), true);
    await log.close();
    const again = await openTestLog(dir);
    expect(again).toMatchObject({ head: 3, replaced: null, warnings: [] });
    expect(await readAll(again.log)).toEqual(eventsFrom(1, 3));
  });

  it('moves a damaged log aside with its write-ahead file and its head', async () => {
    const dir = copyLog(originals.killed, originals.root);
    truncateSync(join(dir, 'events.db-wal'), statSync(join(dir, 'events.db-wal')).size - 1);
    const before = digest(join(dir, 'events.db-wal'));
    const { replaced } = await openTestLog(dir);
    expect(replaced?.reason).toMatch(/^events-lost: the log reached event 240, what is left ends at 220$/);
    expect(digest(`${replaced?.movedTo}-wal`)).toBe(before);
    expect(readHead(`${replaced?.movedTo}.head.json`)).toMatchObject({ position: EVENTS });
  });

  it.each(['{', 'null'])(
    'moves aside a log in which an event has the data %s, though every hash fits',
    async (data) => {
      const dir = copyLog(originals.closed, originals.root);
      tamper(dir, `UPDATE events SET data = '${data}' WHERE position = ${EVENTS}`);
      rehash(dir);
      rmSync(join(dir, 'head.json'));
      const { log, replaced } = await openTestLog(dir);
      expect(replaced?.reason).toMatch(/^damaged: its events are what was written, but do not fold: /);
      log.append(eventsFrom(1, 3), true);
      await log.flush();
      expect(log.durable).toBe(3);
    },
  );

  it('does not take an event of a type or version that it does not know for damage', async () => {
    for (const [column, value] of [
      ['type', 'future.happened'],
      ['version', '99'],
    ] as const) {
      const dir = newer(column, value);
      const { replaced } = await openTestLog(dir);
      expect(replaced?.reason).toMatch(/^newer: event 3 is "\S+" version \d+, expected /);
      expect(readdirSync(dir).filter((name) => name.startsWith('events.db.newer-')).length).toBeGreaterThan(0);
    }
  });
});

/** A log as a newer turnout would have written it, with its chain. */
function newer(column: 'type' | 'version', value: string): string {
  const dir = copyLog(originals.closed, originals.root);
  tamper(dir, `UPDATE events SET ${column} = '${value}' WHERE position = 3`);
  rehash(dir);
  rmSync(join(dir, 'head.json'));
  return dir;
}

/** Makes all hashes of a log fit what is in it. */
function rehash(dir: string): void {
  const db = new Database(join(dir, 'events.db'), { readonly: true });
  const seed = db.prepare<[], string>("SELECT value FROM meta WHERE key = 'seed'").pluck().get() ?? '';
  const ends = db.prepare<[], number>('SELECT last FROM commits ORDER BY last').pluck().all();
  const between = db.prepare<[number, number], Row>('SELECT * FROM events WHERE position > ? AND position <= ?').raw();
  let hash = rootHash(0, seed);
  const changes = ends.map((last, index) => {
    hash = nextHash(
      hash,
      between
        .all(ends[index - 1] ?? 0, last)
        .map(rowToLine)
        .join(LINE_END),
    );
    return `UPDATE commits SET hash = '${hash}' WHERE last = ${last}`;
  });
  db.close();
  tamper(dir, ...changes);
}

function writeHeadOf(dir: string, position: number, hash: string): void {
  const check = createHash('sha256').update(`${position} ${hash}`).digest('hex').slice(0, 16);
  writeFileSync(join(dir, 'head.json'), `${JSON.stringify({ position, hash, check }).padEnd(255)}\n`);
}
