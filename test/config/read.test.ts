import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/core/config/read.ts';
import { oneLine } from './helpers.ts';

const MODEL = (id: string) => `models: {${id}: {cmd: "\${PORT}"}}\n`;

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'turnout-config-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

async function put(name: string, text: string | Uint8Array): Promise<string> {
  const file = join(dir, name);
  await writeFile(file, text);
  return file;
}

async function problems(paths: Parameters<typeof readConfig>[0]): Promise<string[]> {
  const result = await readConfig(paths, { env: {} });
  if ('config' in result) throw new Error('the configuration was accepted');
  return result.errors.map((error) => error.message);
}

describe('readConfig()', () => {
  it('reads one file and names it by its absolute path', async () => {
    const file = await put('config.yaml', MODEL('a'));
    const result = await readConfig({ config: file }, { env: {} });
    expect('config' in result && [[...result.config.models.keys()], result.config.files]).toEqual([['a'], [file]]);
  });

  it('takes the environment of the process when none is given', async () => {
    const name = Object.keys(process.env).find(
      (key) => /^[A-Za-z_]\w*$/.test(key) && /^[\w/.-]+$/.test(process.env[key] ?? ''),
    );
    const file = await put('config.yaml', `models: {a: {cmd: "\${PORT}", description: "\${env.${name}}"}}`);
    const result = await readConfig({ config: file });
    expect('config' in result && [...result.config.models.values()][0]?.description).toBe(process.env[name ?? '']);
  });

  it('names the file in a problem as the user did', async () => {
    const file = await put('config.yaml', 'globalTTL: -1');
    const result = await readConfig({ config: file }, { env: {} });
    expect('errors' in result && result.errors.map((error) => [error.file, oneLine(error)])).toEqual([
      [file, '1:12 globalTTL must be >= 0'],
    ]);
  });

  it('merges the files of a directory after the file, in the order of their names', async () => {
    const sub = join(dir, 'conf.d');
    await mkdir(join(sub, 'nested.yaml'), { recursive: true });
    for (const [name, id] of [
      ['b.yml', 'b'],
      ['B.yaml', 'upper'],
      ['a.yaml', 'a'],
      ['ignored.json', 'no'],
      ['.txt', 'no'],
    ]) {
      await put(join('conf.d', name ?? ''), MODEL(id ?? ''));
    }
    await put('linked', MODEL('linked'));
    await symlink(join(dir, 'linked'), join(sub, 'c.yaml'));
    const result = await readConfig({ config: await put('main.yaml', MODEL('main')), configDir: sub }, { env: {} });
    expect('config' in result && [...result.config.models.keys()]).toEqual(['main', 'upper', 'a', 'b', 'linked']);
  });

  it('says that there is nothing to read', async () => {
    expect(await problems({})).toEqual(['no configuration sources found']);
    expect(await problems({ configDir: dir })).toEqual([
      `no configuration sources found: "${dir}" has no *.yml or *.yaml file`,
    ]);
  });

  it('refuses a file that is given twice', async () => {
    const file = await put('config.yaml', MODEL('a'));
    expect(await problems({ config: file, configDir: dir })).toEqual([
      `"${file}" is given by --config and lies in --config-dir "${dir}" too`,
    ]);
  });

  it('says why a file or directory cannot be read', async () => {
    const gone = join(dir, 'gone.yaml');
    expect(await problems({ config: gone })).toEqual([
      `cannot read the configuration "${gone}": no such file or directory`,
    ]);
    expect(await problems({ config: dir })).toEqual([`cannot read the configuration "${dir}": it is a directory`]);
    expect(await problems({ configDir: gone })).toEqual([
      `-config-dir ${gone}: cannot read the directory, no such file or directory`,
    ]);
    const binary = await put('binary.yaml', new Uint8Array([0x61, 0xff, 0xfe, 0x00]));
    expect(await problems({ config: binary })).toEqual([
      `cannot read the configuration "${binary}": it is not UTF-8 text`,
    ]);
    const large = await put('large.yaml', 'x'.repeat(5 * 1024 * 1024));
    expect(await problems({ config: large })).toEqual(['the file is larger than 1048576 bytes']);
  });

  it('reads no more of an endless device than a configuration may have', async () => {
    expect(await problems({ config: '/dev/zero' })).toEqual(['the file is larger than 1048576 bytes']);
  });
});
