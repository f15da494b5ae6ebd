/** `turnout log …` as it is typed: flags, exit codes, and what a running turnout is asked. What each does is tested in test/log. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { fakeConfig } from '../api/fake-router.ts';
import { serve } from '../api/server.ts';
import { busyLog } from '../log/busy-events.ts';
import { openTestLog, tempDir } from '../log/log-fixtures.ts';
import { makePlace, type Place } from './run.ts';

let place: Place;
beforeAll(async () => {
  place = await makePlace();
});
afterAll(() => place.remove());

async function stateDir(): Promise<string> {
  const dir = tempDir();
  const { log } = await openTestLog(dir);
  log.append(busyLog(500), true);
  await log.flush();
  await log.close();
  return dir;
}

describe('turnout log', () => {
  it.each(['stat', 'compact', 'backup', 'restore'])('%s has help with an example', async (name) => {
    const ran = await place.cli(['log', name, '--help']);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toContain(`\nExample:\n  turnout log ${name}`);
    expect(ran.out).toContain('--json');
  });

  it('stat says what is in a log, as text and as JSON', async () => {
    const dir = await stateDir();
    const text = await place.cli(['log', 'stat', '--state-dir', dir, '--utc']);
    expect(text).toMatchObject({ code: 0, err: '' });
    expect(text.out).toMatch(/^events +500 \(1 to 500\), 2026-01-01 /m);
    const { out } = await place.cli(['log', 'stat', '--state-dir', dir, '--json']);
    expect(JSON.parse(out)).toMatchObject({ events: 500, first: { position: 1 }, last: { position: 500 } });
  });

  it('backup makes a file that restore puts in the place of a log', async () => {
    const [from, to] = [await stateDir(), join(tempDir(), 'new')];
    const file = join(tempDir(), 'backup.db');
    const made = await place.cli(['log', 'backup', file, '--state-dir', from, '--json']);
    expect(made).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(made.out)).toMatchObject({ file, position: 500 });
    const again = await place.cli(['log', 'backup', file, '--state-dir', from]);
    expect(again).toMatchObject({ code: 1, out: '' });
    expect(again.err).toContain('expected a name that is free');
    const put = await place.cli(['log', 'restore', file, '--state-dir', to]);
    expect(put).toMatchObject({ code: 0, out: `the event log in ${to} is the backup now, up to event 500\n` });
    expect(existsSync(join(to, 'events.db'))).toBe(true);
  });

  it('compact works on the file when no turnout runs', async () => {
    const dir = await stateDir();
    const ran = await place.cli(['log', 'compact', '--state-dir', dir, '--max-bytes', '1']);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toMatch(/^\d{3} events left, the log begins with event \d+; /);
    const wrong = await place.cli(['log', 'compact', '--state-dir', dir, '--days', 'many']);
    expect(wrong).toMatchObject({ code: 2, err: 'turnout: read --days "many": expected a number of days\n' });
  });

  it('compact asks the turnout that runs, which knows what is to be kept', async () => {
    const server = await serve(fakeConfig([{ id: 'a' }]));
    const ran = await place.cli(['log', 'compact', '--url', server.url]);
    expect(ran).toMatchObject({
      code: 0,
      out: '4 events left, the log begins with event 5; 2.0 KiB were given back\n',
    });
    expect(server.router.compacted).toBe(1);
    const { out } = await place.cli(['log', 'compact', '--url', server.url, '--json']);
    expect(JSON.parse(out)).toEqual({ base: 5, events: 4, freedBytes: 2_048, stopped: null });
    const refused = await place.cli(['log', 'compact', '--url', server.url, '--max-bytes', '1MiB']);
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.err).toContain('set turnout.eventLog.retentionDays and maxBytes in its configuration');
  });
});

describe('POST /api/log/compact', () => {
  it('is refused for a page of another site, and only POST', async () => {
    const server = await serve(fakeConfig([{ id: 'a' }]));
    onTestFinished(() => expect(server.router.compacted).toBe(0));
    const headers = { 'sec-fetch-site': 'cross-site' };
    expect((await fetch(`${server.url}/api/log/compact`, { method: 'POST', headers })).status).toBe(403);
    const get = await fetch(`${server.url}/api/log/compact`);
    expect({ status: get.status, allow: get.headers.get('allow') }).toEqual({ status: 405, allow: 'POST' });
  });
});
