/**
 * A turnout whose log is not what it was: it starts and serves, says what is wrong and where the old log lies now, and
 * leaves that as it was; commands that only read say so, and what to do, with an exit code.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { makePlace, type Place, type Ran } from '../cli/run.ts';
import { canMount, readOnlyView, smallDisk } from '../log/disk-fixtures.ts';
import { fakeConfig } from '../support/fake-models.ts';
import { freePorts } from '../support/ports.ts';
import { exitOf } from '../support/processes.ts';
import { BIN, startTurnout, type Turnout } from '../support/turnout.ts';
import { until } from '../support/until.ts';

let place: Place;
let config: string;
/** A state directory with a log of two requests, stopped cleanly. */
let clean: string;
/** An older copy of the same. */
let older: string;

beforeAll(async () => {
  place = await makePlace();
  config = fakeConfig(await freePorts(1), { qwen: { flags: '--tokens 2' } });
  const dir = join(place.dir, 'made');
  mkdirSync(dir);
  clean = join(dir, 'state');
  older = join(place.dir, 'older');
  for (const copyTo of [older, null]) {
    const turnout = await startTurnout({ config, dir });
    expect(await ask(turnout)).toBe(200);
    await turnout.stop();
    if (copyTo !== null) execFileSync('cp', ['-r', clean, copyTo]);
  }
});
afterAll(() => place.remove());

async function ask(turnout: Turnout): Promise<number> {
  const response = await turnout.post('/v1/chat/completions', { model: 'qwen', messages: [] });
  await response.text();
  return response.status;
}

/** A directory to start in, with a copy of the log. */
function copied(name: string): { dir: string; state: string; database: string } {
  const dir = join(place.dir, name);
  const state = join(dir, 'state');
  mkdirSync(dir);
  execFileSync('cp', ['-r', clean, state]);
  return { dir, state, database: join(state, 'events.db') };
}

async function start(dir: string): Promise<Turnout> {
  const turnout = await startTurnout({ config, dir });
  onTestFinished(() => turnout.dispose());
  return turnout;
}

const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

/** Changes a letter of each request, as a failing disk does; pages keep remains of others, in which nothing is wrong then. */
function flipBits(database: string): void {
  const bytes = readFileSync(database);
  const kind = '"kind":"inference"';
  for (let at = bytes.indexOf(kind); at !== -1; at = bytes.indexOf(kind, at + 1)) bytes[at + 9]! ^= 1;
  writeFileSync(database, bytes);
}

const cases: [what: string, reason: string, damage: (database: string) => void][] = [
  ['with flipped bits', 'damaged', flipBits],
  ['of 0 bytes', 'empty', (database) => truncateSync(database, 0)],
  ['that is garbage', 'not-a-database', (database) => writeFileSync(database, 'garbage '.repeat(2_000))],
  ['that lost its end', 'damaged', (database) => truncateSync(database, statSync(database).size / 2)],
  ['that is gone, but for its head', 'missing', (database) => rmSync(database)],
  [
    'in whose place a directory lies',
    'not-a-file',
    (database) => {
      rmSync(database);
      mkdirSync(database);
    },
  ],
  [
    'that is an older copy of itself',
    'events-lost',
    (database) => execFileSync('cp', [join(older, 'events.db'), database]),
  ],
  [
    'that a newer turnout wrote',
    'newer',
    (database) => new Database(database).exec('PRAGMA user_version = 99').close(),
  ],
  [
    'of another program',
    'foreign',
    (database) => {
      rmSync(database);
      new Database(database).exec('CREATE TABLE notes (text)').close();
    },
  ],
];

describe('a log', { timeout: 60_000 }, () => {
  it.each(cases)('%s is said to be so by commands, and turnout serves with a new one', async (what, reason, damage) => {
    const { dir, state, database } = copied(what.replaceAll(' ', '-'));
    damage(database);
    const before = reason === 'missing' || reason === 'not-a-file' ? null : digest(database);
    for (const command of [['explain', 'qwen'], ['verify']]) {
      const ran = await place.cli([...command, '--state-dir', state]);
      expect(ran, `turnout ${command[0]} on a log ${what}`).toMatchObject({ code: 1, out: '' });
      expect(ran.err).toMatch(saysWhatToDo(reason));
    }

    const turnout = await start(dir);
    expect(await ask(turnout), `a request to a turnout with a log ${what}`).toBe(200);
    const [replaced] = await turnout.events('log.replaced');
    expect(replaced?.data.reason).toMatch(new RegExp(`^${reason}: `));
    const movedTo = replaced?.data.movedTo ?? '';
    expect(turnout.output()).toContain(`it was moved to ${movedTo} untouched, and a new one begins`);
    expect(turnout.output()).toContain('turnout log restore FILE');
    expect((await turnout.get('/health')).status).toBe(200);
    if (before !== null) expect(digest(movedTo), 'the log that was moved aside').toBe(before);
    await turnout.stop();
    expect(await place.cli(['verify', '--state-dir', state])).toMatchObject({ code: 0, err: '' });
  });

  it('that is whole is gone on with, whatever became of its head', async () => {
    const { dir, state } = copied('headless');
    rmSync(join(state, 'head.json'));
    const turnout = await start(dir);
    expect(await ask(turnout)).toBe(200);
    expect(await turnout.events('log.replaced')).toEqual([]);
    expect(await turnout.events('router.started')).toHaveLength(3);
    await turnout.stop();
  });

  it('belongs to one turnout: a second one is told which, and a killed one is not in its way', async () => {
    const { dir, state } = copied('second');
    const first = await start(dir);
    const file = join(dir, 'config.yaml');
    const serve = () => place.cli(['serve', '--config', file, '--listen', '127.0.0.1:0', '--state-dir', state]);
    const ran: Ran = await serve();
    expect(ran).toMatchObject({ code: 1 });
    expect(ran.err).toContain(`got one with process id ${first.pid}; stop that one, or name another directory`);
    expect(await ask(first), 'a request to the first one').toBe(200);
    await first.signal('SIGKILL');
    const next = await start(dir);
    expect(await next.events('log.replaced')).toEqual([]);
    await next.stop();
  });

  it('that is taken away while turnout runs is written anew, and no request notices', async () => {
    const { dir, database } = copied('unlinked');
    const turnout = await start(dir);
    expect(await ask(turnout)).toBe(200);
    renameSync(database, `${database}.elsewhere`);
    await until('the log to be there again', async () => {
      expect(await ask(turnout)).toBe(200);
      return statSync(database, { throwIfNoEntry: false }) !== undefined;
    });
    expect(await ask(turnout)).toBe(200);
    await turnout.stop();
    expect(await place.cli(['verify', '--state-dir', join(dir, 'state')])).toMatchObject({ code: 0, err: '' });
  });

  it.skipIf(!canMount)('on a disk that is full refuses nobody, and is complete once there is room', async () => {
    const { dir, state } = copied('full');
    const disk = smallDisk(24 * 1024 * 1024);
    execFileSync('sh', ['-c', `cp -r "${state}"/. "${disk}" && rm -rf "${state}" && ln -s "${disk}" "${state}"`]);
    const turnout = await start(dir);
    await until('the ballast', () => statSync(join(disk, 'ballast'), { throwIfNoEntry: false }) !== undefined);
    execFileSync('sh', ['-c', `cat /dev/zero > "${disk}/filler" 2>/dev/null || true`]);
    const troubled = () => turnout.output().includes('the event log cannot be written');
    for (let asked = 0; asked < 3_000 && !troubled(); asked += 8) {
      const answers = await Promise.all(Array.from({ length: 8 }, () => ask(turnout)));
      expect(new Set(answers), 'answers while the disk fills up').toEqual(new Set([200]));
      execFileSync('sh', ['-c', `cat /dev/zero >> "${disk}/filler" 2>/dev/null || true`]);
    }
    expect(turnout.output()).toMatch(/the event log cannot be written: .*full/);
    expect(await ask(turnout), 'a request while the disk is full').toBe(200);
    expect((await turnout.get('/health')).status).toBe(200);
    const notes = ((await (await turnout.get('/api/health')).json()) as { notes: string[] }).notes;
    expect(notes.join()).toMatch(/event log: .*events wait in memory, 0 lost/);
    rmSync(join(disk, 'filler'));
    await until('the log to recover', () => turnout.output().includes('the event log can be written again'));
    expect(await turnout.events('log.gap'), 'events that were lost').toEqual([]);
    await turnout.stop();
    expect(await place.cli(['verify', '--state-dir', disk])).toMatchObject({ code: 0, err: '' });
  });

  it.skipIf(!canMount)(
    'in a directory that cannot be written ends a start that names it, with what to do',
    async () => {
      const { dir, state } = copied('read-only');
      const view = readOnlyView(state);
      writeFileSync(join(dir, 'config.yaml'), config);
      const serve = ['serve', '--config', join(dir, 'config.yaml'), '--listen', '127.0.0.1:0', '--state-dir', view];
      const ran = await place.cli(serve);
      expect(ran).toMatchObject({ code: 1 });
      expect(ran.err).toMatch(/expected a directory that can be written, got: .*name another with --state-dir/);
      const read = await place.cli(['explain', 'qwen', '--state-dir', view]);
      expect(read).toMatchObject({ code: 1, err: expect.stringContaining('name the copy with --state-dir') });
    },
  );

  it('that nobody named and that cannot be written is one in memory, with a warning', async () => {
    const file = await place.file('a-file', '');
    const path = await place.file('config.yaml', config);
    const child = spawn(process.execPath, [BIN, 'serve', '--config', path, '--listen', '127.0.0.1:0'], {
      env: { PATH: process.env.PATH ?? '', HOME: place.dir, XDG_RUNTIME_DIR: place.dir, XDG_STATE_HOME: file },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    const exited = exitOf(child);
    onTestFinished(() => void child.kill('SIGKILL'));
    const url = await until('turnout to listen', () => /listening on (http:\S+)/.exec(output)?.[1]);
    const body = JSON.stringify({ model: 'qwen', messages: [] });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${url}/v1/chat/completions`, { method: 'POST', body, headers });
    expect(answer.status).toBe(200);
    await answer.text();
    expect(output).toMatch(/state directory ".*" cannot be written .*events are kept in memory only. Name another/);
    child.kill('SIGTERM');
    expect(await exited).toBe('0');
  });
});

function saysWhatToDo(reason: string): RegExp {
  const remedy: Record<string, string> = {
    newer: 'read it with the turnout that wrote it',
    foreign: 'name another state directory',
  };
  return new RegExp(`^turnout: read the event log .*${reason}: .*${remedy[reason] ?? 'turnout log restore FILE'}`);
}
