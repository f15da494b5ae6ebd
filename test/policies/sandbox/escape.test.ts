/** From inside a policy nothing of the host is reachable: no process, module, file, network or object of another realm. */
import { describe, expect, it } from 'vitest';
import { asked, faultOf, loaded, loadFault, planning, programOf, testHost, told, unwrap } from './support.ts';

/** Names of the host; whatever way leads to code, it must not see one of them. */
const HOST_NAMES = ['process', 'require', 'module', 'Buffer', 'global', 'fetch', 'setTimeout', 'ivm', '_ivm', 'Deno'];
const SEEN = `[${HOST_NAMES.map((name) => `typeof ${name}`).join(', ')}].filter((type) => type !== 'undefined').join()`;

/** Ways to code that runs somewhere else than where it was written. */
const WAYS: Record<string, string> = {
  'plain code': SEEN,
  'the constructor of a function': `(() => {}).constructor(${JSON.stringify(`return ${SEEN}`)})()`,
  'the constructor of the global object': `globalThis.constructor.constructor(${JSON.stringify(`return ${SEEN}`)})()`,
  'the constructor of an async function': `((f) => { let r = ''; (async () => { r = await f(); })(); return r; })((async () => {}).constructor(${JSON.stringify(`return ${SEEN}`)}))`,
  'the constructor of a generator': `(function* () {}).constructor(${JSON.stringify(`yield ${SEEN}`)})().next().value`,
  'the constructor of an async generator': `typeof (async function* () {}).constructor(${JSON.stringify(`yield ${SEEN}`)})().next().value === 'object' ? 'object' : ''`,
  eval: `(0, eval)(${JSON.stringify(SEEN)})`,
  'a function of the view': `view.log.constructor(${JSON.stringify(`return ${SEEN}`)})()`,
  'the random numbers of the view': `view.random.constructor.constructor(${JSON.stringify(`return ${SEEN}`)})()`,
  'an object of the view': `view.models.constructor.constructor(${JSON.stringify(`return ${SEEN}`)})()`,
  'the constructor of an error': `(() => { try { null.x; } catch (e) { return e.constructor.constructor(${JSON.stringify(`return ${SEEN}`)})(); } })()`,
  'an error of the engine': `(() => { try { (function f() { f(); })(); } catch (e) { return e.constructor.constructor(${JSON.stringify(`return ${SEEN}`)})(); } })()`,
  'an error of the host': `(() => { try { Date.now(); } catch (e) { return e.constructor.constructor(${JSON.stringify(`return ${SEEN}`)})(); } })()`,
  'a trap that stands for a removed thing': `Object.getPrototypeOf(Date).constructor(${JSON.stringify(`return ${SEEN}`)})()`,
  'the realm of a symbol': `Symbol.iterator.constructor.constructor(${JSON.stringify(`return ${SEEN}`)})()`,
  'a promise': `Promise.resolve().then.constructor(${JSON.stringify(`return ${SEEN}`)})()`,
  Reflect: `Reflect.construct(Function, [${JSON.stringify(`return ${SEEN}`)}])()`,
  JSON: `JSON.parse('{"a":1}', function () { return this.constructor.constructor(${JSON.stringify(`return ${SEEN}`)})(); })`,
};

describe('the names of the host', () => {
  const host = testHost();

  it.each(Object.entries(WAYS))('are not seen through %s', async (_, expression) => {
    const seen = await told(host, expression);
    // a generator whose first value is a promise tells only that it is one
    expect(['', 'object']).toContain(seen);
  });

  it('are not among the globals, however they are listed', async () => {
    const names = 'Object.getOwnPropertyNames(globalThis)';
    const known = 'Array Boolean Date Error Function JSON Map Math Object Promise Proxy Reflect Set String Symbol';
    expect(await told(host, `'${known}'.split(' ').filter((name) => !${names}.includes(name)).join()`)).toBe('');
    expect(await told(host, `${JSON.stringify(HOST_NAMES)}.filter((name) => ${names}.includes(name)).join()`)).toBe('');
    expect(await told(host, `${names}.filter((name) => !/^[A-Za-z]\\w+$/.test(name)).join()`)).toBe('');
    expect(await told(host, 'Object.getOwnPropertySymbols(globalThis).map(String).join()')).toBe('');
    expect(
      await told(
        host,
        '(() => { let n = 0; for (let o = globalThis; o; o = Object.getPrototypeOf(o)) n++; return n; })()',
      ),
    ).toBe('3');
  });

  it('are not in stacks: they hold the frames of the policy and the code around it', async () => {
    const stack = await told(host, 'new Error("x").stack');
    expect(stack).toContain('test.js:1:');
    expect(stack).not.toMatch(/node:|file:|\/etc|host-main|slot-isolate/);
    expect(stack).not.toContain(process.cwd());
    const deep = await told(
      host,
      '(() => { const f = (n) => n === 0 ? new Error().stack : f(n - 1); return f(50); })()',
    );
    // a reason is one line
    expect(deep.match(/ at /g)?.length).toBe(10);
  });
});

describe('the arguments of the code around a policy', () => {
  const host = testHost();

  it('are not reachable: no arguments, callers or this lead out', async () => {
    const probe = `(() => {
      const found = [];
      const plain = Function('return this')();
      if (plain !== globalThis) found.push('this');
      const sloppy = Function('try { return sloppy.caller === null ? "" : typeof sloppy.caller } catch (e) { return "" }');
      globalThis.sloppy = sloppy;
      if (sloppy() === 'function') found.push('caller');
      try { if (Function('return arguments.callee.caller')() !== null) found.push('callee.caller'); } catch {}
      return found.join();
    })()`;
    expect(await told(host, probe)).toBe('');
  });

  it('cannot be caught by changing what every object inherits', async () => {
    const source = `
      const caught = [];
      for (const name of ['answerChars', 'logLines', 'kind', 'stack', 'message', 'then', 'toJSON', 'op', 'policy', 'body']) {
        Object.defineProperty(Object.prototype, name, {
          configurable: true,
          get() { caught[caught.length] = 'get ' + name; return undefined; },
          set() { caught[caught.length] = 'set ' + name; },
        });
      }
      for (const on of [Array, String, Function]) {
        for (const name of Object.getOwnPropertyNames(on.prototype)) {
          if (/^(constructor|arguments|caller)$/.test(name) || typeof on.prototype[name] !== 'function') continue;
          const original = on.prototype[name];
          on.prototype[name] = function (...args) { caught[caught.length] = name; return Reflect.apply(original, this, args); };
        }
      }
      export default { name: 'thief', apiVersion: 1, plan(view) {
        caught.length = 0;
        view.log('one'); view.random();
        let all = '';
        for (let i = 0; i < caught.length; i++) all += ' ' + caught[i];
        return { action: 'wait', reason: 'caught:' + all };
      } };`;
    await loaded(host, programOf(source));
    const { answer } = unwrap(await asked(host));
    expect(answer).toEqual({ action: 'wait', reason: 'caught:' });
  });

  it('cannot be forged: a policy that changes JSON and Object gets its own answer through and nothing else', async () => {
    const source = `
      export default { name: 'forger', apiVersion: 1, plan() {
        JSON.stringify = () => '{"action":"reject","status":503,"reason":"forged"}';
        JSON.parse = () => { throw new Error('no'); };
        Object.freeze = Object.values = Object.create = () => { throw new Error('no'); };
        String.prototype.slice = () => 'forged';
        return { action: 'wait', reason: 'true' };
      } };`;
    await loaded(host, programOf(source));
    expect(unwrap(await asked(host)).answer).toEqual({
      action: 'wait',
      reason: 'true',
    });
  });
});

describe('modules', () => {
  const host = testHost();

  it.each([
    'node:fs',
    'fs',
    'isolated-vm',
    './other.js',
    'file:///etc/passwd',
    'https://example.org/x.js',
    'data:text/javascript,1',
  ])('a static import of %s is refused, with its place', async (specifier) => {
    const fault = await loadFault(host, `// a policy\nimport x from '${specifier}';\nexport default x;`);
    expect(fault).toMatchObject({ kind: 'syntax', line: 2, guilty: true });
    expect(fault.message).toBe(
      `SyntaxError: import of "${specifier}" is not possible in policies: the only module is "turnout/policy"`,
    );
  });

  it('an import() gives nothing, whatever it names', async () => {
    const source = planning(`
      const seen = [];
      for (const name of ['fs', 'node:fs', 'turnout/policy', 'isolated-vm']) {
        import(name).then(() => seen.push(name), () => {});
      }
      view.log('asked');
      return { action: 'wait', reason: 'seen: ' + seen.join() };`);
    await loaded(host, programOf(source));
    expect(unwrap(await asked(host)).answer).toMatchObject({ reason: 'seen: ' });
    const late = `let got = ''; await import('node:fs').then((m) => { got = typeof m.readFileSync; }, (e) => { got = e.message; });
      export default { name: 'late', apiVersion: 1, plan() { return { action: 'wait', reason: got }; } };`;
    await loaded(host, programOf(late));
    expect(unwrap(await asked(host)).answer).toMatchObject({ reason: 'Not supported' });
  });

  it('import.meta tells nothing', async () => {
    expect(await told(host, 'Reflect.ownKeys(import.meta).join() + Object.getPrototypeOf(import.meta)')).toBe('null');
  });

  it('the helper module gives back what it is given', async () => {
    const source = `import { definePolicy } from 'turnout/policy';
      export default definePolicy({ name: 'helped', apiVersion: 1, plan: () => ({ action: 'wait', reason: 'x' }) });`;
    expect(await loaded(host, programOf(source))).toMatchObject({ name: 'helped' });
    const fault = await loadFault(host, "import { secrets } from 'turnout/policy'; export default secrets;");
    expect(fault).toMatchObject({ kind: 'syntax' });
    expect(fault.message).toContain("does not provide an export named 'secrets'");
  });
});

describe('secrets of the router', () => {
  it('are not in the child: it has no environment and no descriptors but its pipes', async () => {
    process.env['TURNOUT_TEST_CANARY'] = 'canary-5c1f';
    const host = testHost();
    await loaded(host, programOf(planning("return { action: 'wait', reason: 'x' };")));
    const { readFileSync, readdirSync, readlinkSync } = await import('node:fs');
    const pid = host.status().pid;
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).toBe('');
    const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    expect(open.filter((to) => !/^(socket|pipe|anon_inode):|^\/dev\/null$/.test(to))).toEqual([]);
    // its three pipes are sockets, and no socket of the router came along
    expect(open.filter((to) => to.startsWith('socket:')).length).toBeLessThanOrEqual(3);
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe('/');
  });
});

describe('a policy that breaks a rule of the language', () => {
  it('cannot make the host read its objects: whatever it throws comes as text', async () => {
    const host = testHost();
    const thrown = [
      'null',
      '1',
      'Symbol("s")',
      '10n',
      '() => {}',
      '{}',
      '[]',
      'new Proxy(() => {}, {})',
      'Object.create(null)',
    ];
    for (const what of thrown) {
      await loaded(host, programOf(planning(`throw ${what};`)));
      const fault = faultOf(await asked(host));
      expect(fault).toMatchObject({ kind: 'throw', guilty: true });
      expect(fault.message).not.toBe('');
    }
  });
});
