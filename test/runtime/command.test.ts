/** How a command line becomes words (spec 5.2). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCommand, replacePid } from '../../src/core/runtime/local/command.ts';
import { quoteWord } from './harness.ts';

describe('parseCommand()', () => {
  const cases: [string, string, string[]][] = [
    ['splits at spaces, tabs and newlines', 'a  b\tc\nd\n\n  e', ['a', 'b', 'c', 'd', 'e']],
    ['does not split at a carriage return', 'a\rb', ['a\rb']],
    ['takes single quotes literally', `'a $b \\ "c"' d`, ['a $b \\ "c"', 'd']],
    ['escapes only four characters in double quotes', '"\\$ \\` \\" \\\\ \\n \\x"', ['$ ` " \\ \\n \\x']],
    ['escapes any character outside quotes', 'a\\ b \\"c\\" \\x', ['a b', '"c"', 'x']],
    ['joins adjacent quoted parts', `a'b'"c"d`, ['abcd']],
    ['keeps an empty argument', `a "" '' b`, ['a', '', '', 'b']],
    ['tolerates quotes that are not closed', `a "b c`, ['a', 'b c']],
    ['expands nothing', 'a $HOME *.txt ~ $(b) `c` ; | &', ['a', '$HOME', '*.txt', '~', '$(b)', '`c`', ';', '|', '&']],
    ['drops comment lines', '# first\na\n   # second \\\nb', ['a', 'b']],
    ['drops comment lines even inside quotes', `a "b\n# c\nd"`, ['a', 'b\nd']],
    ['does not take a trailing comment for one', 'a # b', ['a', '#', 'b']],
    ['lets a line that ends in a backslash continue as another word', 'a \\\n  --b \\\n  c', ['a', '--b', 'c']],
    ['sees the backslash behind trailing blanks', 'a \\  \r\nb\\', ['a', 'b']],
    ['keeps newlines inside quotes', `a 'b\nc'`, ['a', 'b\nc']],
  ];
  for (const [title, text, words] of cases) test(title, () => expect(parseCommand(text)).toEqual(words));

  for (const empty of ['', '  \n\t', '# only a comment', '\\\n\\']) {
    test(`refuses ${JSON.stringify(empty)}, in which there is no word`, () => {
      expect(() => parseCommand(empty)).toThrow('unable to get sanitized command: empty command');
    });
  }

  // a line that begins with # is dropped even inside quotes, so words have no newlines here
  const word = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', ' '));
  test('gives back words that were quoted', () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), (words) => {
        expect(parseCommand(words.map(quoteWord).join(' '))).toEqual(words);
      }),
    );
  });

  test('gives back words in which every character was escaped', () => {
    const escaped = (text: string): string => [...text].map((char) => `\\${char}`).join('');
    const plain = fc.string({ unit: 'binary-ascii', minLength: 1 }).map((text) => text.replaceAll('\n', '-'));
    fc.assert(
      fc.property(fc.array(plain, { minLength: 1 }), (words) => {
        expect(parseCommand(`${words.map(escaped).join(' ')} end`)).toEqual([...words, 'end']);
      }),
    );
  });

  test('never throws anything but the one error', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'a"\'\\\n# $') }), (text) => {
        try {
          expect(parseCommand(text).length).toBeGreaterThan(0);
        } catch (error) {
          expect((error as Error).message).toBe('unable to get sanitized command: empty command');
        }
      }),
    );
  });
});

test('replacePid() replaces every occurrence', () => {
  expect(replacePid('kill ${PID} ${PID} ${PORT}', 12)).toBe('kill 12 12 ${PORT}');
});
