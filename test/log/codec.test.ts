/** An event becomes one line, and nothing else than that event comes out of it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TurnoutEvent } from '../../src/core/events.ts';
import { modelId } from '../../src/core/ids.ts';
import {
  encodeEvent,
  lineToRow,
  positionOf,
  type Row,
  rowsToFold,
  rowToFold,
  rowToJson,
  rowToLine,
} from '../../src/core/log/codec.ts';
import { busyLog } from './busy-events.ts';
import { eventAt } from './log-fixtures.ts';

const decode = (line: string) => JSON.parse(rowToJson(lineToRow(line))) as TurnoutEvent;

describe('rowsToFold()', () => {
  it('gives what each row gives', () => {
    const rows = busyLog(500).map((event) => lineToRow(encodeEvent(event)));
    expect(rowsToFold(rows)).toEqual(rows.map(rowToFold));
    expect(rowsToFold([])).toEqual([]);
  });

  it('brings old data up to today, as for each row', () => {
    const old: Row = [1, 5, 'process.starting', 1, 'm', null, null, '{"port":1}'];
    expect(rowsToFold([old, old])).toEqual([rowToFold(old), rowToFold(old)]);
    expect(rowToFold(old).version).toBe(2);
  });

  it.each([
    ['two values', ['{},{}', '{}']],
    ['half a value, whose other half is its neighbour', ['{"a":[1', '2]}']],
    ['nothing', ['{}', '']],
  ])('takes no row for JSON that holds %s', (_what, texts) => {
    const rows = texts.map((data): Row => [1, 5, 'log.troubled', 1, null, null, null, data]);
    expect(() => rowsToFold(rows)).toThrow(SyntaxError);
  });
});

describe('encodeEvent()', () => {
  it('writes a line that is read back as the same event', () => {
    const text = fc.string({ unit: 'binary' });
    const at = fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 });
    const link = fc.option(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), { nil: undefined });
    const property = fc.property(text, text, at, link, link, (model, code, time, request, cause) => {
      const event = {
        position: 7,
        at: time,
        version: 1,
        type: 'log.troubled',
        model: modelId(model),
        ...(request === undefined ? {} : { request }),
        ...(cause === undefined ? {} : { cause }),
        data: { code, message: code },
      } as TurnoutEvent;
      const line = encodeEvent(event);
      expect(line.split('\t')).toHaveLength(8);
      expect(line).not.toContain('\n');
      expect(rowToLine(lineToRow(line))).toBe(line);
      expect(positionOf(line)).toBe(7);
      expect(decode(line)).toEqual(event);
    });
    fc.assert(property);
  });

  it('replaces halves of characters, which no file can hold', () => {
    const line = encodeEvent({ ...eventAt(3), model: modelId('x\ud800') });
    expect(lineToRow(line)[4]).toBe('x\ufffd');
  });

  it.each([
    ['position', 0],
    ['position', 1.5],
    ['position', Number.NaN],
    ['at', Number.POSITIVE_INFINITY],
    ['type', 'no.such'],
    ['type', 'toString'],
    ['version', 2],
    ['version', 0],
    ['request', 1.5],
    ['cause', Number.NaN],
    ['data', undefined],
  ])('refuses an event whose %s is %s', (field, value) => {
    const event = { ...eventAt(3), [field]: value } as TurnoutEvent;
    expect(() => encodeEvent(event)).toThrow(`: ${field} cannot be "`);
  });
});
