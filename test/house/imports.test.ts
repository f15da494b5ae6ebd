/** Who may import whom. Reads the import lines and says which rule was broken and why. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

interface Import {
  from: string;
  /** A package or `node:` module as written, or a file relative to the root. */
  to: string;
  typeOnly: boolean;
}

function filesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const found: Import[] = [];
  for (const match of text.matchAll(
    /^(?:import|export)\s+(type\s)?[^;]*?from\s+'([^']+)'|^import\s+'([^']+)'|import\('([^']+)'\)/gm,
  )) {
    const to = match[2] ?? match[3] ?? match[4] ?? '';
    const target = to.startsWith('.') ? relative(ROOT, resolve(dirname(join(ROOT, file)), to)) : to;
    found.push({ from: file, to: target, typeOnly: match[1] !== undefined });
  }
  return found;
}

const all = filesIn('src').flatMap(importsOf);
const isPure = (file: string) => /^src\/core\/[^/]+\.ts$/.test(file);
const isPackage = (to: string) => !to.startsWith('src/') && !to.startsWith('node:');
const show = (broken: Import[]) => broken.map(({ from, to }) => `${from} imports ${to}`);

describe('imports', () => {
  it('are read at all', () => {
    expect(all.length).toBeGreaterThan(200);
  });

  it('of the pure core name nothing but the pure core: it must stay deterministic', () => {
    expect(show(all.filter(({ from, to }) => isPure(from) && !isPure(to)))).toEqual([]);
  });

  it('of the core stay inside the core: core knows nobody', () => {
    const outside = all.filter(
      ({ from, to }) => from.startsWith('src/core/') && to.startsWith('src/') && !to.startsWith('src/core/'),
    );
    expect(show(outside)).toEqual([]);
  });

  it('of policies name core and policies only; the sandbox is a process of its own and may know node', () => {
    const outside = all.filter(
      ({ from, to }) =>
        from.startsWith('src/policies/') &&
        !/^src\/(core|policies)\//.test(to) &&
        !(from.startsWith('src/policies/sandbox/') && /^(node:|isolated-vm$)/.test(to)),
    );
    expect(show(outside)).toEqual([]);
  });

  it('of the api name no policy and no command', () => {
    const outside = all.filter(({ from, to }) => from.startsWith('src/api/') && /^src\/(policies|cli|ui)\//.test(to));
    expect(show(outside)).toEqual([]);
  });

  it.each([
    ['better-sqlite3', /^src\/core\/log\/sqlite/],
    ['isolated-vm', /^src\/policies\/sandbox\//],
    ['http-proxy', /^src\/api\/pass-through\.ts$/],
    ['undici', /^src\/api\/forward\//],
    ['yaml', /^src\/core\/config\//],
    ['zod', /^src\/core\/config\//],
    ['koa', /^src\/api\//],
    ['koa-router', /^src\/api\//],
    ['commander', /^src\/cli\//],
  ])('of %s go through one door', (name, door) => {
    const around = all.filter(
      ({ from, to, typeOnly }) => `${to}/`.startsWith(`${name}/`) && !typeOnly && !door.test(from),
    );
    expect(show(around)).toEqual([]);
  });

  it('of packages name dependencies that package.json has', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      name: string;
      dependencies: object;
    };
    const known = new Set([manifest.name, ...Object.keys(manifest.dependencies)]);
    const unknown = all.filter(({ to }) => isPackage(to) && !known.has(to.split('/')[0] ?? '') && !to.startsWith('@'));
    expect(show(unknown)).toEqual([]);
  });

  it('have no cycle between folders (a folder and its own subfolders are one house)', () => {
    const related = (a: string, b: string) => `${a}/`.startsWith(`${b}/`) || `${b}/`.startsWith(`${a}/`);
    expect(cyclesOf((file) => dirname(file), related)).toEqual([]);
  });

  it('have no cycle between files', () => {
    expect(
      cyclesOf(
        (file) => file,
        (a, b) => a === b,
      ),
    ).toEqual([]);
  });
});

/** Cycles among the nodes that files belong to, leaving out edges between related nodes and imports of types. */
function cyclesOf(nodeOf: (file: string) => string, related: (a: string, b: string) => boolean): string[] {
  const edges = new Map<string, Set<string>>();
  for (const { from, to, typeOnly } of all) {
    if (!to.startsWith('src/') || typeOnly || related(nodeOf(from), nodeOf(to))) continue;
    const targets = edges.get(nodeOf(from)) ?? new Set<string>();
    edges.set(nodeOf(from), targets.add(nodeOf(to)));
  }
  const cycles = new Set<string>();
  const done = new Set<string>();
  const visit = (at: string, path: string[]) => {
    if (path.includes(at)) {
      cycles.add([...path.slice(path.indexOf(at)), at].join(' -> '));
      return;
    }
    if (done.has(at)) return;
    for (const next of edges.get(at) ?? []) visit(next, [...path, at]);
    done.add(at);
  };
  for (const start of edges.keys()) visit(start, []);
  return [...cycles];
}

describe('the pure core', () => {
  it('reads no clock and no chance, and arms no timer', () => {
    const banned =
      /\b(Date\.now|new Date\(\)|Math\.random|performance\.|setTimeout|setInterval|setImmediate|process\.)/;
    const guilty = filesIn('src/core').filter((file) => isPure(file) && banned.test(codeOf(file)));
    expect(guilty).toEqual([]);
  });
});

/** The source without comments and quoted text. */
function codeOf(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$|'[^'\n]*'/gm, '');
}
