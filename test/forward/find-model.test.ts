/** Finding the model, editing JSON and forms, and saying where JSON breaks. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deleteTopLevel, setTopLevel } from '../../src/api/body/edit-json.ts';
import { findModel } from '../../src/api/body/find-model.ts';
import { setFormField } from '../../src/api/body/form-field.ts';
import { findJsonFault } from '../../src/api/body/json-fault.ts';
import { scanObject } from '../../src/api/body/scan-json.ts';
import { TurnoutError } from '../../src/core/errors.ts';
import { LIMITS } from '../../src/core/limits.ts';

const JSON_TYPE = 'application/json; charset=utf-8';
const json = (body: string | Buffer) =>
  findModel({ method: 'POST', contentType: JSON_TYPE, query: 'model=q', body: Buffer.from(body) });
/** The same document, made too large to be parsed by a long string that comes first or last. */
const PAD = 'x'.repeat(LIMITS.jsonParseBytesMax);
const large = (members: string) => `{"pad":"${PAD}\\"",${members}}`;

describe('findModel() in JSON', () => {
  it.each<[string, string, string | null, boolean]>([
    ['a name', '"model":"m","stream":true', 'm', true],
    ['no stream', '"model":"m","stream":false', 'm', false],
    ['a stream that is no boolean', '"model":"m","stream":"true"', 'm', false],
    ['a number', '"model":7', '7', false],
    ['a number with a fraction', '"model":1.50', '1.5', false],
    ['an empty name', '"model":""', null, false],
    ['a list', '"model":["m"]', null, false],
    ['null', '"model":null', null, false],
    ['no model', '"other":{"model":"inner","stream":true}', null, false],
    ['an inner model first', '"a":[{"model":"inner"}],"model":"m"', 'm', false],
    ['an escaped key', '"mod\\u0065l":"m"', 'm', false],
    ['two models', '"model":"a","model":"b"', 'b', false],
    ['an escaped value', '"model":"a\\/\\u00e9\\""', 'a/é"', false],
    ['a prototype', '"__proto__":{"model":"evil"}', null, false],
    ['braces in strings', '"a":"}{][\\\\","model":"m"', 'm', false],
    ['space everywhere', ' \n"model"\t:\r "m" , "stream" : true ', 'm', true],
  ])('finds %s, whatever the size of the body', (_what, members, model, streaming) => {
    expect(json(`{${members}}`)).toEqual({ model, streaming });
    expect(json(large(members))).toEqual({ model, streaming });
  });

  it('does not look at the query', () => {
    expect(json('{}').model).toBeNull();
  });

  it.each(['[{"model":"m"}]', '"m"', '7', 'null'])('finds none in %s', (body) => {
    expect(json(body).model).toBeNull();
  });

  it('reads a body with a byte order mark', () => {
    expect(json('\ufeff{"model":"m"}').model).toBe('m');
    expect(json(`\ufeff${large('"model":"m"')}`).model).toBe('m');
  });

  it('is not impressed by depth', () => {
    const deep = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)},"model":"m"}`;
    expect(json(deep).model).toBe('m');
    expect(json(large(deep.slice(1, -1))).model).toBe('m');
    expect(() => json('['.repeat(200_000))).toThrow(TurnoutError);
  });

  it('reads a million keys in one pass', () => {
    const members = Array.from({ length: 200_000 }, (_, i) => `"k${i}":${i}`).join(',');
    expect(json(`{${members},"model":"m"}`).model).toBe('m');
  });

  it.each<[string, string]>([
    ['', 'line 1, column 1 (offset 0): expected a value, got the end of the body'],
    ['{"model":"m"', 'line 1, column 13 (offset 12): expected "," or "}", got the end of the body'],
    ['{"a":1,}', 'line 1, column 8 (offset 7): expected a key in quotes, got "}"'],
    ['{\n  "a": secret\n}', 'line 2, column 8 (offset 9): expected a value, got "s"'],
    [
      '{"a":"x\ny"}',
      'line 1, column 8 (offset 7): expected a closing quote or an escaped control character, got byte 0x0a',
    ],
    ['{"a":"\\x"}', 'line 1, column 8 (offset 7): expected an escape sequence, got "x"'],
    ['{"a":"\\u00g0"}', 'line 1, column 9 (offset 8): expected four hexadecimal digits, got "0"'],
    ['{"a":[1 2]}', 'line 1, column 9 (offset 8): expected "," or "]", got "2"'],
    ["{'a':1}", 'line 1, column 2 (offset 1): expected a key in quotes or "}", got "\'"'],
    ['{"a" 1}', 'line 1, column 6 (offset 5): expected ":", got "1"'],
    ['{} x', 'line 1, column 4 (offset 3): expected the end of the body, got "x"'],
    ['{"a":01}', 'line 1, column 7 (offset 6): expected "," or "}", got "1"'],
  ])('says where %j breaks', (body, where) => {
    expect(() => json(body)).toThrow(new TurnoutError('bad-request', `parse the request body as JSON: ${where}`));
  });

  it('says where a large body breaks, without quoting it', () => {
    try {
      json(`${large('"model":"m"')}secret`);
      expect.unreachable();
    } catch (error) {
      expect((error as TurnoutError).message).toMatch(/expected the end of the body, got "s"$/);
    }
  });

  it('agrees with JSON.parse about any document', () => {
    const key = fc.oneof(fc.constantFrom('model', 'stream', 'messages'), fc.string());
    const value = fc.oneof(fc.string(), fc.boolean(), fc.jsonValue());
    fc.assert(
      fc.property(fc.array(fc.tuple(key, value), { maxLength: 8 }), fc.boolean(), (members, padFirst) => {
        const list = members.map(([name, content]) => `${JSON.stringify(name)}:${JSON.stringify(content)}`);
        list.splice(padFirst ? 0 : list.length, 0, `"pad":"${PAD}"`);
        const text = `{${list.join(' , ')}}`;
        const parsed = JSON.parse(text) as Record<string, unknown>;
        const model = Object.hasOwn(parsed, 'model') ? parsed['model'] : null;
        const name =
          typeof model === 'number' ? String(model) : typeof model === 'string' && model !== '' ? model : null;
        expect(json(text)).toEqual({
          model: name,
          streaming: Object.hasOwn(parsed, 'stream') && parsed['stream'] === true,
        });
      }),
      { numRuns: 60 },
    );
  });

  it('finds a fault exactly where JSON.parse does', () => {
    const document = fc
      .json()
      .chain((text) =>
        fc.tuple(fc.constant(text), fc.nat(text.length), fc.constantFrom('', '"', '{', ']', ',', '1', '\\', '\n', 'x')),
      );
    fc.assert(
      fc.property(document, ([text, at, insert]) => {
        const broken = text.slice(0, at) + insert + text.slice(at + 1);
        let valid = true;
        try {
          JSON.parse(broken);
        } catch {
          valid = false;
        }
        expect(findJsonFault(Buffer.from(broken)) === null).toBe(valid);
      }),
      { numRuns: 500 },
    );
  });
});

describe('findModel() elsewhere', () => {
  const ask = (method: string, contentType: string | undefined, query: string, body = '') =>
    findModel({ method, contentType, query, body: Buffer.from(body) });

  it.each<[string, ReturnType<typeof ask>, string | null, boolean]>([
    ['the query of a GET', ask('GET', JSON_TYPE, 'model=m%2Fx&stream=true'), 'm/x', true],
    ['nothing in a GET', ask('GET', undefined, ''), null, false],
    ['a form', ask('POST', 'application/x-www-form-urlencoded', '', 'model=m+x&stream=true'), 'm x', true],
    ['a form before the query', ask('POST', 'application/x-www-form-urlencoded', 'model=q', 'model=b'), 'b', false],
    ['the query under a form', ask('POST', 'application/x-www-form-urlencoded', 'model=q', 'a=b'), 'q', false],
    ['the query without a content type', ask('POST', undefined, 'model=q', '{"model":"m"}'), 'q', false],
  ])('finds %s', (_what, found, model, streaming) => {
    expect(found).toEqual({ model, streaming });
  });

  const BOUNDARY = '----b';
  const part = (head: string, value: string) =>
    `--${BOUNDARY}\r\nContent-Disposition: form-data; ${head}\r\n\r\n${value}\r\n`;
  const FORM_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

  it('finds fields of a multipart form behind a file, and no file by that name', () => {
    const file = part('name="file"; filename="model"', 'RIFF\0\r\n--no\r\n\r\nname="model"');
    const fake = part('name="model"; filename="x"', 'evil');
    const body = `${file}${fake}${part('name="model"', 'm')}${part('name=stream', 'true')}--${BOUNDARY}--\r\n`;
    expect(ask('POST', FORM_TYPE, '', body)).toEqual({ model: 'm', streaming: true });
    const renamed = setFormField(Buffer.from(body), FORM_TYPE, 'model', 'longer name');
    expect(renamed.toString()).toBe(body.replace('\r\nm\r\n', '\r\nlonger name\r\n'));
    expect(setFormField(renamed, FORM_TYPE, 'none', 'x')).toBe(renamed);
  });

  it.each([
    ['no boundary', 'multipart/form-data', part('name="model"', 'm')],
    ['another boundary', 'multipart/form-data; boundary=other', part('name="model"', 'm')],
    ['no end', FORM_TYPE, `--${BOUNDARY}\r\nContent-Disposition: form-data; name="model"\r\n\r\nm`],
    ['an empty body', FORM_TYPE, ''],
    ['an empty value', FORM_TYPE, `${part('name="model"', '')}--${BOUNDARY}--\r\n`],
    ['no field', FORM_TYPE, `${part('name="other"', 'm')}--${BOUNDARY}--\r\n`],
  ])('finds none in a multipart form with %s', (_what, type, body) => {
    expect(ask('POST', type, '', body).model).toBeNull();
  });
});

describe('setTopLevel() and deleteTopLevel()', () => {
  it.each([
    ['{"model":"a","seed":9007199254740993}', '{"model":"é\\"","seed":9007199254740993}'],
    ['{ "x" : 1.0 ,\n "model" :\t"a" }', '{ "x" : 1.0 ,\n "model" :\t"é\\"" }'],
    ['{"model":"a","b":{"model":"c"},"model":["d"]}', '{"model":"é\\"","b":{"model":"c"},"model":"é\\""}'],
    ['{"mod\\u0065l":1}', '{"mod\\u0065l":"é\\""}'],
    ['{}', '{"model":"é\\""}'],
    ['{ "a":1 }', '{ "a":1,"model":"é\\"" }'],
  ])('sets a key of %s and nothing else', (before, after) => {
    expect(setTopLevel(Buffer.from(before), 'model', 'é"').toString()).toBe(after);
  });

  it.each([
    ['{"a":1,"b":2,"c":3}', 'a', '{"b":2,"c":3}'],
    ['{"a":1,"b":2,"c":3}', 'b', '{"a":1,"c":3}'],
    ['{"a":1,"b":2,"c":3}', 'c', '{"a":1,"b":2}'],
    ['{"a":1,"b":2,"a":3}', 'a', '{"b":2}'],
    ['{"a":1,"a":3}', 'a', '{}'],
    ['{"b":[{"a":1}]}', 'a', '{"b":[{"a":1}]}'],
  ])('deletes from %s the key %s', (before, key, after) => {
    expect(deleteTopLevel(Buffer.from(before), key).toString()).toBe(after);
  });

  it('edits any document as an edit of the parsed one would', () => {
    const members = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 6, noNullPrototype: true });
    fc.assert(
      fc.property(members, fc.string(), fc.jsonValue(), fc.constantFrom(undefined, 2), (object, key, value, indent) => {
        const keys = [key, ...Object.keys(object)].filter((name) => name !== '__proto__');
        const text = Buffer.from(JSON.stringify(object, null, indent));
        for (const name of keys) {
          const set = JSON.parse(setTopLevel(text, name, value).toString()) as unknown;
          expect(set).toEqual({
            ...(JSON.parse(text.toString()) as object),
            [name]: JSON.parse(JSON.stringify(value)) as unknown,
          });
          const { [name]: _gone, ...rest } = JSON.parse(text.toString()) as Record<string, unknown>;
          expect(JSON.parse(deleteTopLevel(text, name).toString())).toEqual(rest);
        }
      }),
      { numRuns: 200 },
    );
  });

  it.each(['[]', '"x"', '{"a":', ''])('refuses to edit %j', (body) => {
    expect(() => setTopLevel(Buffer.from(body), 'a', 1)).toThrow(TurnoutError);
  });
});

describe('scanObject()', () => {
  it.each([
    '',
    '[]',
    '{',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '{"a":"',
    '{"a":[',
    '{"a":1}x',
    '{a:1}',
    '{"a"}',
    '{,}',
  ])('does not follow %j', (text) => {
    expect(scanObject(Buffer.from(text), () => {})).toBeNull();
  });
});
