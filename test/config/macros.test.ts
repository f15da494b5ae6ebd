import { describe, expect, it } from 'vitest';
import { errorsOf, load, model, oneLine, yaml } from './helpers.ts';

describe('macros', () => {
  it('are replaced in every field of a model, typed where they stand alone', () => {
    const config = load(
      yaml(`
        macros:
          bin: /opt/server
          ctx: 4096
          idle: 60
          ratio: 0.5
          hidden: true
        models:
          a:
            cmd: \${bin} -c \${ctx} -r \${ratio} --hide \${hidden} --port \${PORT}
            ttl: "\${idle}"
            unlisted: \${hidden}
            env: ["C=\${ctx}"]
            aliases: ["a-\${ctx}"]
            timeouts: {connect: "\${idle}"}
            name: "\${ctx}"
      `),
    );
    expect(model(config, 'a')).toMatchObject({
      cmd: `/opt/server -c 4096 -r 0.5 --hide true --port \${PORT}`,
      ttlMs: 60_000,
      unlisted: true,
      env: ['C=4096'],
      aliases: ['a-4096'],
      timeouts: { connectMs: 60_000 },
      name: '4096',
    });
  });

  it('work in every other section, but not in keys', () => {
    const config = load(
      yaml(`
        macros: {key: "k-12345678", start: 7000, who: a}
        startPort: \${start}
        apiKeys: ["\${key}"]
        hooks: {on_startup: {preload: ["\${who}"]}}
        models:
          a: {cmd: "x \${PORT}"}
          "\${who}": {cmd: "x \${PORT}"}
      `),
    );
    expect(config.apiKeys).toEqual(['k-12345678']);
    expect(config.preload).toEqual(['a']);
    expect([...config.models.values()].map(({ id, port }) => [id, port])).toEqual([
      ['a', 7001],
      [`\${who}`, 7000],
    ]);
  });

  it('may use those declared before them, not those after', () => {
    const declared = `macros:\n  one: "1"\n  two: "\${one}2"\n  three: "\${two}3"\n`;
    expect(model(load(`${declared}models: {a: {cmd: "\${three} \${PORT}"}}`), 'a').cmd).toBe(`123 \${PORT}`);
    const errors = errorsOf(`macros:\n  one: "\${two}"\n  two: "2"\nmodels:\n  a: {cmd: "\${one} \${PORT}"}`);
    expect(errors).toMatchObject([
      {
        message: `unknown macro '\${two}' found in a.cmd`,
        line: 5,
        column: 12,
        help: 'macro "two" is declared after the macro that uses it',
      },
    ]);
  });

  it('of a model win over global ones, even inside the text of a global one', () => {
    const config = load(
      yaml(`
        macros: {size: 1, args: "-c \${size} -m \${MODEL_ID}"}
        models:
          a: {cmd: "\${args} \${PORT}", macros: {size: 2}}
          b: {cmd: "\${args} \${PORT}"}
      `),
    );
    expect(model(config, 'a').cmd).toBe(`-c 2 -m a \${PORT}`);
    expect(model(config, 'b').cmd).toBe(`-c 1 -m b \${PORT}`);
  });

  it('of a model do not leak into another', () => {
    const text = `models:\n  a: {cmd: "\${x} \${PORT}", macros: {x: 1}}\n  b: {cmd: "\${x} \${PORT}"}`;
    expect(errorsOf(text).map(oneLine)).toEqual([`3:13 unknown macro '\${x}' found in b.cmd`]);
  });

  it('of a model may use globals, and its new ones come after them', () => {
    const config = load(
      yaml(`
        macros: {base: /m}
        models:
          a: {cmd: "\${file} \${PORT}", macros: {dir: "\${base}/\${MODEL_ID}", file: "\${dir}/x.gguf"}}
      `),
    );
    expect(model(config, 'a').cmd).toBe(`/m/a/x.gguf \${PORT}`);
  });

  it('are expanded per model in blocks that come from an anchor', () => {
    const config = load(
      yaml(`
        base: &base
          cmd: serve \${MODEL_ID} --port \${PORT}
          env: ["ID=\${MODEL_ID}"]
        models:
          a: *base
          b: {<<: *base, ttl: 5}
      `),
    );
    expect(model(config, 'a')).toMatchObject({ cmd: `serve a --port \${PORT}`, env: ['ID=a'], port: 5800 });
    expect(model(config, 'b')).toMatchObject({ cmd: `serve b --port \${PORT}`, env: ['ID=b'], port: 5801 });
  });

  it('in a comment line of a command are not looked at', () => {
    const config = load(
      yaml(`
        models:
          a:
            cmd: |
              # \${unknown}
              server
                # --old \${gone}
              --port \${PORT} # not a comment
            cmdStop: |
              # \${nothing}
              stop \${PID}
      `),
    );
    expect(model(config, 'a')).toMatchObject({
      cmd: `server\n--port \${PORT} # not a comment\n`,
      cmdStop: `stop \${PID}\n`,
    });
  });

  it.each([
    ['macros:\n  PORT: 1', "2:3 macro name 'PORT' is reserved"],
    ['macros:\n  PID: 1', "2:3 macro name 'PID' is reserved"],
    ['macros:\n  MODEL_ID: 1', "2:3 macro name 'MODEL_ID' is reserved"],
    ['macros:\n  a.b: 1', '2:3 macro name "a.b" contains invalid characters'],
    [`macros:\n  ${'x'.repeat(64)}: 1`, `2:3 macro name "${'x'.repeat(64)}" exceeds maximum length of 63`],
    [`macros:\n  me: "x\${me}"`, '2:7 macro "me" contains self-reference'],
    ['macros:\n  list: [1]', '2:3 macro "list" must be a scalar type: text, a number, true or false'],
    ['macros:\n  none:', '2:3 macro "none" must be a scalar type: text, a number, true or false'],
    ['macros: [a]', '1:9 macros: expected a mapping, got a list'],
    [`models:\n  m:\n    cmd: \${PORT}\n    macros: {PORT: 1}`, "4:14 model m: macro name 'PORT' is reserved"],
    [`models:\n  m:\n    cmd: \${PORT}\n    macros: {x: "\${x}"}`, '4:17 model m: macro "x" contains self-reference'],
  ])('refuse the declaration %j', (text, expected) => {
    expect(errorsOf(text).map(oneLine)).toEqual([expected]);
  });

  it('may have names of 63 characters', () => {
    expect(load(`macros:\n  ${'x'.repeat(63)}: 1`).warnings).toEqual([]);
  });

  it.each([
    [`cmd: "a \${x} \${PORT}"`, `unknown macro '\${x}' found in m.cmd`],
    [`cmdStop: "\${x}"`, `unknown macro '\${x}' found in m.cmdStop`],
    [`proxy: "http://\${x}"`, `unknown macro '\${x}' found in m.proxy`],
    [`checkEndpoint: "/\${x}"`, `unknown macro '\${x}' found in m.checkEndpoint`],
    [`name: "\${x}"`, `unknown macro '\${x}' found in m.name`],
    [`description: "\${x}"`, `unknown macro '\${x}' found in m.description`],
    [`filters: {stripParams: "\${x}"}`, `unknown macro '\${x}' found in m.filters.stripParams`],
    [`capabilities: {in: ["\${x}"]}`, `model m capabilities: unknown macro '\${x}'`],
    [`metadata: {a: {b: "\${x}"}}`, `model m metadata: unknown macro '\${x}'`],
    [`env: ["A=1", "B=\${x}"]`, `models.m.env[1]: unknown macro '\${x}'`],
    [`useModelName: "\${x}"`, `models.m.useModelName: unknown macro '\${x}'`],
    [`name: "\${PID}"`, `unknown macro '\${PID}' found in m.name`],
    [`filters: {setParamsByID: {"\${x}": {}}}`, `models.m.filters.setParamsByID: unknown macro '\${x}'`],
  ])('that nobody declared are refused: %s', (line, message) => {
    const cmd = line.startsWith('cmd:') ? '' : `    cmd: "x \${PORT}"\n`;
    const messages = errorsOf(`models:\n  m:\n${cmd}    ${line}`).map((error) => error.message);
    // an address with a macro left in it is no URL either
    expect(messages.filter((text) => !text.includes('invalid proxy URL'))).toEqual([message]);
  });

  it.each([
    [`peers: {openrouter: {apiKey: "\${x}"}}`, `1:31 peers.openrouter.apiKey: unknown macro '\${x}'`],
    [`apiKeys: ["a\${x}"]`, `1:13 apiKeys[0]: unknown macro '\${x}'`],
    [`hooks: {on_startup: {preload: ["\${PORT}"]}}`, `1:33 hooks.on_startup.preload[0]: unknown macro '\${PORT}'`],
    [`logLevel: "\${MODEL_ID}"`, `1:12 logLevel: unknown macro '\${MODEL_ID}'`],
  ])('that nobody declared are refused elsewhere: %s', (text, expected) => {
    expect(errorsOf(text).map(oneLine)).toContain(expected);
  });

  it('that cannot be environment variables are text, with a warning', () => {
    const config = load(`models: {a: {cmd: "x \${env.MY-DIR} \${PORT}"}}`);
    expect(model(config, 'a').cmd).toBe(`x \${env.MY-DIR} \${PORT}`);
    expect(config.warnings.map(oneLine)).toEqual([
      `1:22 models.a.cmd: "\${env.MY-DIR}" is no environment variable, so it stays as it is`,
    ]);
  });

  it('are not looked for under unknown keys of the top level', () => {
    expect(load(`custom: {a: "\${x}"}`).models.size).toBe(0);
  });

  it('are told where they stand in a block, with the nearest name', () => {
    const errors = errorsOf(
      yaml(`
        macros: {model_dir: /m}
        models:
          a:
            cmd: |
              server --port \${PORT}
                -m \${model_dri}/x.gguf
      `),
    );
    expect(errors).toMatchObject([{ line: 6, column: 12, length: 12, help: 'did you mean "model_dir"?' }]);
  });

  it('that make two keys of setParamsByID the same are refused', () => {
    const errors = errorsOf(
      yaml(`
        macros: {x: one}
        models:
          a:
            cmd: x \${PORT}
            filters:
              setParamsByID:
                one: {}
                "\${x}": {}
      `),
    );
    expect(errors.map(oneLine)).toEqual([
      `8:9 model a: filters.setParamsByID: keys "one" and "\${x}" resolve to the same value "one"`,
    ]);
  });
});
