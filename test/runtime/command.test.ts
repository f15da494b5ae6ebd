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
  for (const [title, text, words] of cases) test(title, () => expect(parseCommand(text, 'linux')).toEqual(words));

  for (const empty of ['', '  \n\t', '# only a comment', '\\\n\\']) {
    test(`refuses ${JSON.stringify(empty)}, in which there is no word`, () => {
      expect(() => parseCommand(empty, 'linux')).toThrow('unable to get sanitized command: empty command');
    });
  }

  // a line that begins with # is dropped even inside quotes, so words have no newlines here
  const word = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', ' '));
  test('gives back words that were quoted', () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), (words) => {
        expect(parseCommand(words.map(quoteWord).join(' '), 'linux')).toEqual(words);
      }),
    );
  });

  test('gives back words in which every character was escaped', () => {
    const escaped = (text: string): string => [...text].map((char) => `\\${char}`).join('');
    const plain = fc.string({ unit: 'binary-ascii', minLength: 1 }).map((text) => text.replaceAll('\n', '-'));
    fc.assert(
      fc.property(fc.array(plain, { minLength: 1 }), (words) => {
        expect(parseCommand(`${words.map(escaped).join(' ')} end`, 'linux')).toEqual([...words, 'end']);
      }),
    );
  });

  test('never throws anything but the one error', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'a"\'\\\n# $') }), (text) => {
        try {
          expect(parseCommand(text, 'linux').length).toBeGreaterThan(0);
        } catch (error) {
          expect((error as Error).message).toBe('unable to get sanitized command: empty command');
        }
      }),
    );
  });
});

describe('parseCommand() on Windows', () => {
  const cases: [string, string, string[]][] = [
    ['splits at spaces, tabs and ends of lines', 'a  b\tc\r\nd\n\n  e', ['a', 'b', 'c', 'd', 'e']],
    ['leaves backslashes in paths alone', 'C:\\x.exe -m C:\\models\\x.gguf', ['C:\\x.exe', '-m', 'C:\\models\\x.gguf']],
    ['leaves those of a share alone', '\\\\nas\\gguf\\x.gguf', ['\\\\nas\\gguf\\x.gguf']],
    ['keeps blanks inside double quotes', '"C:\\Program Files\\x.exe" a', ['C:\\Program Files\\x.exe', 'a']],
    ['does not take a single quote for one', `it's 'two words'`, [`it's`, `'two`, `words'`]],
    ['takes a quote behind one backslash literally', 'a\\"b "c\\"d e"', ['a"b', 'c"d e']],
    ['halves backslashes before a quote that opens or closes', '"C:\\dir\\\\" x\\\\"y z"', ['C:\\dir\\', 'x\\y z']],
    ['halves them before a literal quote too', 'a\\\\\\"b', ['a\\"b']],
    ['keeps them before anything else', '"a\\\\b\\c" d\\\\\\e', ['a\\\\b\\c', 'd\\\\\\e']],
    ['takes two quotes inside quotes for one', '"a ""b"" c" """d"""', ['a "b" c', '"d"']],
    ['joins quoted parts', 'a" b "c', ['a b c']],
    ['keeps an empty argument', 'a "" b', ['a', '', 'b']],
    ['tolerates quotes that are not closed', 'a "b c', ['a', 'b c']],
    ['expands nothing', '%PATH% $x *.gguf ^ & |', ['%PATH%', '$x', '*.gguf', '^', '&', '|']],
    ['drops comment lines', '# first\r\na\n   rem\n  # second\nb', ['a', 'rem', 'b']],
    ['lets a line that ends in a backslash continue', 'a \\\r\n --b \\\n --c', ['a', '--b', '--c']],
  ];
  for (const [title, text, words] of cases) test(title, () => expect(parseCommand(text, 'win32')).toEqual(words));

  test('refuses what has no word in it', () => {
    expect(() => parseCommand(' \r\n# x', 'win32')).toThrow('unable to get sanitized command: empty command');
  });

  // backslashes count double where a quote follows them, the closing one too
  const quoted = (word: string): string =>
    `"${word.replace(/(\\*)("|$)/g, (_, slashes: string, quote: string) => slashes + slashes + (quote && '\\"'))}"`;
  const rest = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 });
  const unit = fc.oneof({ weight: 2, arbitrary: fc.constantFrom('\\', '"', "'", ' ', '\t', '\r') }, rest);
  const word = fc.string({ unit }).map((text) => text.replaceAll('\n', ' '));

  test('gives back words that were quoted', () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), (words) => {
        expect(parseCommand(words.map(quoted).join(' '), 'win32')).toEqual(words);
      }),
    );
  });

  test('gives back paths that were not', () => {
    const part = fc.stringMatching(/^[A-Za-z0-9._'-]+$/);
    fc.assert(
      fc.property(fc.array(fc.array(part, { minLength: 1 }), { minLength: 1 }), (paths) => {
        const words = paths.map((parts) => `C:\\${parts.join('\\')}`);
        expect(parseCommand(words.join(' '), 'win32')).toEqual(words);
      }),
    );
  });
});

test('replacePid() replaces every occurrence', () => {
  expect(replacePid('kill ${PID} ${PID} ${PORT}', 12)).toBe('kill 12 12 ${PORT}');
});
