/**
 * The policy commands as somebody has them who installed turnout: the package as npm packs it, in a directory of its own,
 * run from what was compiled. What needs no package is asked of the same place.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, realpath, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePlace, type Place, type Ran } from './run.ts';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../..');
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
const CONFIG = `models:
  coder: { cmd: 'serve --port \${PORT}', turnout: { tags: [code], memory: 12GiB } }
  chat: { cmd: 'serve --port \${PORT}', turnout: { memory: 12GiB } }
turnout:
  planner: policy
  devices: { gpu0: 24GiB }
  policy: { file: ./policies/mine.ts, options: { keep: [coder] }, fallback: budget }
`;

let place: Place;
let packed: string[] = [];

/** Runs the turnout that was installed there. */
async function turnout(...args: string[]): Promise<Ran> {
  const bin = join(place.dir, 'node_modules/turnout/bin/turnout.js');
  const env = { PATH: process.env['PATH'] ?? '', HOME: place.dir, XDG_RUNTIME_DIR: place.dir };
  return run(process.execPath, [bin, ...args], { cwd: place.dir, env }).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    ({ code, stdout, stderr }) => ({ code, out: stdout, err: stderr }),
  );
}

/** What an editor would underline; empty when there is nothing. */
async function typesIn(folder: string): Promise<string> {
  const done = run(process.execPath, [TSC, '-p', '.', '--noEmit'], { cwd: join(place.dir, folder) });
  return done.then(
    () => '',
    ({ stdout }) => stdout,
  );
}

beforeAll(async () => {
  place = await makePlace();
  const home = join(place.dir, 'node_modules/turnout');
  await mkdir(home, { recursive: true });
  const listed = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT });
  const told = JSON.parse(listed.stdout) as
    | { files: { path: string }[] }[]
    | Record<string, { files: { path: string }[] }>;
  packed = (Object.values(told)[0]?.files ?? []).map(({ path }) => path).filter((path) => !path.startsWith('dist/'));
  for (const path of packed) {
    await mkdir(dirname(join(home, path)), { recursive: true });
    await cp(join(ROOT, path), join(home, path));
  }
  await cp(join(ROOT, 'dist'), join(home, 'dist'), { recursive: true });
  await run(process.execPath, [TSC, '-p', 'tsconfig.build.json', '--outDir', join(home, 'dist')], { cwd: ROOT });
  // its dependencies lie beside it, as links: so do some package managers it
  for (const name of await readdir(join(ROOT, 'node_modules'))) {
    if (/^(\.|turnout$)/.test(name)) continue;
    await symlink(await realpath(join(ROOT, 'node_modules', name)), join(place.dir, 'node_modules', name));
  }
  await writeFile(join(place.dir, 'config.yaml'), CONFIG);
}, 120_000);
afterAll(() => place.remove());

describe('the package', () => {
  it('has the types of turnout/policy, the page about policies, and the examples without what only turnout needs', async () => {
    expect(packed).toEqual(expect.arrayContaining(['bin/turnout.js', 'docs/policies.md', 'policies-examples/lru.js']));
    expect(packed.filter((path) => /^(src|test|scripts|bench)\/|tsconfig/.test(path))).toEqual([]);
    const { exports } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    for (const path of Object.values(exports['./policy'] as Record<string, string>)) {
      expect(await readFile(join(place.dir, 'node_modules/turnout', path), 'utf8')).toContain('definePolicy');
    }
  });

  it('writes a policy in TypeScript that knows the models of the configuration, is taken, and passes its tests', async () => {
    const made = await turnout('policy', 'new', 'mine', '--ts', '--dir', 'policies', '--config', 'config.yaml');
    expect(made).toMatchObject({ code: 0, err: '' });
    const page = /^To read:\n {2}(.*policies\.md)$/m.exec(made.out)?.[1] ?? '';
    expect(await readFile(page, 'utf8')).toContain('# Policies');
    expect(await turnout('policy', 'check', 'policies/mine.ts', '--config', 'config.yaml')).toMatchObject({
      code: 0,
      out: 'policies/mine.ts: ok: mine answers plan; options {"keep":["coder"]}\n',
    });
    expect((await turnout('policy', 'test')).out).toContain('2 of 2 cases hold');
    expect(await typesIn('policies')).toBe('');
    const source = await readFile(join(place.dir, 'policies/mine.ts'), 'utf8');
    await writeFile(join(place.dir, 'policies/mine.ts'), source.replace('.keep]', ".keep, 'codr']"));
    expect(await typesIn('policies')).toMatch(
      /mine\.ts\(\d+,\d+\).*[\s\S]*"codr"' is not assignable to type '"chat" \| "coder"'/,
    );
    await writeFile(join(place.dir, 'policies/mine.ts'), source);
  });

  it('writes one in JavaScript that an editor checks all the same', async () => {
    expect((await turnout('policy', 'new', 'plain', '--dir', 'js')).code).toBe(0);
    expect((await turnout('policy', 'test', 'js/plain.js')).out).toContain('2 of 2 cases hold');
    const source = await readFile(join(place.dir, 'js/plain.js'), 'utf8');
    await run(process.execPath, [TSC, '-p', 'jsconfig.json', '--noEmit'], { cwd: join(place.dir, 'js') });
    await writeFile(join(place.dir, 'js/plain.js'), source.replace('view.options.keep', 'view.optoins.keep'));
    const wrong = run(process.execPath, [TSC, '-p', 'jsconfig.json', '--noEmit'], { cwd: join(place.dir, 'js') });
    await expect(wrong).rejects.toMatchObject({ stdout: expect.stringContaining("Did you mean 'options'") });
  });

  it('overwrites nothing, and takes only names that a policy may have', async () => {
    const again = await turnout('policy', 'new', 'plain', '--dir', 'js');
    expect(again).toMatchObject({ code: 1, err: expect.stringContaining('is there already; choose another name') });
    expect(await turnout('policy', 'new', '../evil')).toMatchObject({
      code: 2,
      err: expect.stringContaining('expected 1 to 64'),
    });
  });
});

describe('turnout policy types', () => {
  it('writes models, tags, groups and devices as literal unions', async () => {
    const { out } = await turnout('policy', 'types', '--config', 'config.yaml', '--print');
    for (const line of ['model: "coder" | "chat";', 'tag: "code";', 'group: "(default)";', 'device: "gpu0";']) {
      expect(out).toContain(line);
    }
    expect(await turnout('policy', 'types', '--config', 'config.yaml', '--out', 'names.d.ts')).toMatchObject({
      code: 0,
      out: 'names.d.ts: 2 models of config.yaml; write it again when they change\n',
    });
    expect((await turnout('policy', 'types')).code).toBe(2);
  });
});

describe('turnout policy check', () => {
  it('names what is not there, with its place and what to use', async () => {
    const source =
      'export default { name: "x", apiVersion: 1,\n  plan() { return { action: "wait", reason: String(Date.now()) }; } };\n';
    const file = await place.file('clock.js', source);
    const { code, out } = await turnout('policy', 'check', file);
    expect(code).toBe(1);
    expect(out).toContain('error[policy-not-available]: Date is not available in policies');
    expect(out).toContain('clock.js:2:52');
    expect(out).toContain('use view.now');
  });

  it('tells an option that the policy does not have where the configuration sets it', async () => {
    const config = await place.file('bad.yaml', CONFIG.replace('keep:', 'kep:'));
    for (const args of [
      ['policy', 'check', 'policies/mine.ts', '--config', config],
      ['check', config],
    ]) {
      const { code, out, err } = await turnout(...args);
      expect(code).toBe(1);
      expect(out + err).toContain('error[policy-options]: option "kep" is not known');
      expect(out + err).toContain('bad.yaml:7:50');
      expect(out + err).toContain('did you mean "keep"?');
    }
  });

  it('says as JSON what it found', async () => {
    const { out } = await turnout('policy', 'check', 'policies/mine.ts', '--config', 'config.yaml', '--json');
    expect(JSON.parse(out)).toMatchObject({ policies: [{ ok: true, errors: [], shape: { name: 'mine' } }] });
  });
});

describe('turnout policy test', () => {
  it('fails with what was expected and what came; its table may be a program', async () => {
    await writeFile(
      join(place.dir, 'policies/mine.test.js'),
      `export default { policy: './mine.ts', cases: [
        { name: 'holds', given: { target: 'a', models: { a: {} } }, expect: { action: 'delegate' } },
        { name: 'does not', given: { target: 'a', models: { a: {} } }, expect: { action: 'swap' } } ] };`,
    );
    const { code, out } = await turnout('policy', 'test', 'policies/mine.test.js');
    expect(code).toBe(1);
    expect(out).toContain('1 of 2 cases hold, 1 do not');
    expect(out).toMatch(/does not[\s\S]*action[\s\S]*swap[\s\S]*delegate/);
  });
});

describe('turnout policy bench', () => {
  it('measures a policy that works', async () => {
    const { code, out } = await turnout('policy', 'bench', 'policies/mine.ts', '--decisions', '20', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ models: 20, waiting: 50, roundTrip: { p50Ms: expect.any(Number) } });
  });
});
