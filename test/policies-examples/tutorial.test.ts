/**
 * The tutorial, as somebody follows it: every `sh` block of policies-examples/README.md is typed into one shell, in order,
 * in an empty directory. Only its two port numbers are changed, for others may be using them. A `text` block holds lines
 * that must come in what the block before it prints.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePorts } from '../support/ports.ts';
import { exitOf } from '../support/processes.ts';
import { BIN } from '../support/turnout.ts';
import { until } from '../support/until.ts';
import { FOLDER } from './examples.ts';

interface Step {
  heading: string;
  commands: string;
  prints: string[];
  /** Type of an event that it leads to: a person takes longer to go on. */
  waitsFor: string | null;
}

const PORTS = { listen: '9797', models: '9800' };
/** What only looks may be typed again until it shows what it should: a person would do the same. */
const ONLY_LOOKS = /^(turnout (ps|events|explain|policy shadow-report)|grep)\b/;

function stepsIn(markdown: string): Step[] {
  const steps: Step[] = [];
  let heading = '';
  for (const match of markdown.matchAll(/^#+ (.*)$|^```(sh|text)\n([\s\S]*?)^```$|^<!-- wait for (\S+) -->$/gm)) {
    const [, title, kind, body = '', event] = match;
    const last = steps.at(-1);
    if (title !== undefined) heading = title;
    else if (kind === 'sh') steps.push({ heading, commands: body, prints: [], waitsFor: null });
    else if (kind === 'text') last?.prints.push(...body.trim().split('\n'));
    else if (last !== undefined) last.waitsFor = event ?? null;
  }
  return steps;
}

const steps = stepsIn(readFileSync(join(FOLDER, 'README.md'), 'utf8'));

describe('the tutorial', () => {
  let dir = '';
  let type: (commands: string) => Promise<{ printed: string; failed: boolean }>;
  let close = async () => {};

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'turnout-tutorial-'));
    const [work, bin] = [join(dir, 'work'), join(dir, 'bin')];
    await mkdir(work);
    await mkdir(bin);
    await writeFile(join(bin, 'turnout'), `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`);
    await chmod(join(bin, 'turnout'), 0o755);
    const ports = { listen: await freePorts(1), models: await freePorts(3) };
    const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}`, XDG_RUNTIME_DIR: dir, HOME: work };
    const shell = spawn('bash', ['--norc'], { cwd: work, env, stdio: ['pipe', 'pipe', 'pipe'] });
    const exited = exitOf(shell);
    let output = '';
    for (const stream of [shell.stdout, shell.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    shell.stdin.write('exec 2>&1\n');
    let typed = 0;
    type = async (commands) => {
      const from = output.length;
      const end = `end-of-step-${++typed}`;
      const mine = commands.replaceAll(PORTS.listen, `${ports.listen}`).replaceAll(PORTS.models, `${ports.models}`);
      shell.stdin.write(`failed=0; trap 'failed=1' ERR\n${mine}\nprintf '%s %s\\n' ${end} $failed\n`);
      const marker = new RegExp(`^${end} (\\d)$`, 'm');
      const done = await until(`the end of "${commands.trim()}"`, () => marker.exec(output.slice(from)), 20_000);
      return { printed: output.slice(from, from + done.index), failed: done[1] === '1' };
    };
    close = async () => {
      shell.stdin.end('kill $(jobs -p) 2>/dev/null; wait\n');
      await exited;
      await rm(dir, { recursive: true, force: true });
    };
  });
  afterAll(() => close());

  it('has steps', () => {
    expect(steps.length).toBeGreaterThan(10);
  });

  for (const [n, { heading, commands, prints, waitsFor }] of steps.entries()) {
    const [first = ''] = commands.split('\n');
    it(`${n + 1}. ${heading}: ${first}`, async () => {
      const tell = async () => {
        const { printed, failed } = await type(commands);
        const missing = prints.filter((line) => !printed.includes(line.trim()));
        return { printed, failed, missing };
      };
      const count = async () =>
        (await type(`turnout events --json --type ${waitsFor}`)).printed.match(/^\{/gm)?.length ?? 0;
      const before = waitsFor === null ? 0 : await count();
      let told = await tell();
      const deadline = Date.now() + 15_000;
      while (ONLY_LOOKS.test(commands) && (told.failed || told.missing.length > 0) && Date.now() < deadline) {
        told = await tell();
      }
      expect(told, told.printed).toMatchObject({ failed: false, missing: [] });
      if (waitsFor !== null) await until(`one more ${waitsFor}`, async () => (await count()) > before);
    });
  }
});
