/** The child refuses to run where its walls do not stand, and can do nothing where they do. */
import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { childCommand } from '../../../src/policies/sandbox/confinement.ts';
import { faultOf, LRU, programOf, testHost } from './support.ts';

const { file, args } = childCommand();
const main = args.at(-1) ?? '';
const run = promisify(execFile);

/** How the child ends when it is started with these arguments instead. */
async function ended(changed: string[]): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(file, changed, { stdio: ['pipe', 'ignore', 'pipe'], env: {} });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => {}).end();
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stderr };
}

describe('the child', () => {
  it.each([
    ['--no-node-snapshot', args.filter((arg) => arg !== '--no-node-snapshot'), 'without --no-node-snapshot'],
    ['--permission', args.filter((arg) => !/^--(permission|allow)/.test(arg)), 'it was started without --permission'],
    ['closed files', ['--allow-fs-write=/tmp', ...args], 'it was started with --allow-fs-write=/tmp'],
    ['unreadable files', ['--allow-fs-read=*', ...args], 'it may read every file'],
    ['no children', ['--allow-child-process', ...args], 'its permission "child" is open'],
    ['no threads', ['--allow-worker', ...args], 'its permission "worker" is open'],
    ['no network', ['--allow-net', ...args], 'its permission "net" is open'],
    ['no inspector', ['--allow-inspector', ...args], 'its permission "inspector" is open'],
    ['no foreign functions', ['--allow-ffi', ...args], 'its permission "ffi" is open'],
    ['no WASI', ['--allow-wasi', ...args], 'its permission "wasi" is open'],
  ])('refuses to start without %s', async (_, changed, message) => {
    const { code, stderr } = await ended(changed);
    expect(code).toBe(78);
    expect(stderr).toContain('the policy host refuses to start: ');
    expect(stderr).toContain(message);
  });

  it('ends by itself when its input ends', async () => {
    expect(await ended(args)).toEqual({ code: 0, stderr: '' });
  });

  it('tells why when it cannot load what makes the isolates', async () => {
    const host = testHost({ command: { file, args: args.filter((arg) => arg !== '--allow-addons') } });
    const fault = faultOf(await host.load(programOf(LRU)));
    expect(fault).toMatchObject({ kind: 'dead', guilty: false });
    expect(fault.message).toContain('Cannot load native addon');
  });

  it('reads turnout and its two packages, and nothing else', async () => {
    const probe = `
      const fs = require('node:fs');
      const tries = {
        code: () => fs.readFileSync(${JSON.stringify(main)}).length > 0,
        passwd: () => fs.readFileSync('/etc/passwd'),
        config: () => fs.readdirSync(${JSON.stringify(process.cwd())}),
        self: () => fs.readFileSync('/proc/self/environ'),
        write: () => fs.writeFileSync(${JSON.stringify(`${main}.x`)}, ''),
        child: () => require('node:child_process').spawnSync('true'),
        worker: () => new (require('node:worker_threads').Worker)('1', { eval: true }),
        net: () => new Promise((resolve, reject) => require('node:net').connect(9, '127.0.0.1', resolve).on('error', reject)),
      };
      (async () => {
        for (const [name, attempt] of Object.entries(tries)) {
          let code = 'open';
          try { await attempt(); } catch (error) { code = error.code; }
          console.log(name, code);
        }
      })();`;
    const { stdout } = await run(file, [...args.slice(0, -1), '--eval', probe], { env: {} });
    const found = Object.fromEntries(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ')),
    );
    const no = 'ERR_ACCESS_DENIED';
    expect(found).toEqual({
      code: 'open',
      passwd: no,
      config: no,
      self: no,
      write: no,
      child: no,
      worker: no,
      net: no,
    });
  });
});
