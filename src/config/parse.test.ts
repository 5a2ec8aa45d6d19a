import { describe, expect, expectTypeOf, test } from 'vitest';
import type { Address } from './address.ts';
import { address } from './address.ts';
import { wantsHelp } from './flags.ts';
import { oneOf, path } from './names.ts';
import { boolean } from './numbers.ts';
import { defineOptions } from './option.ts';
import { parseOptions } from './parse.ts';

const TABLE = defineOptions({
  command: 'serve',
  summary: 'Serves.',
  envPrefix: 'APP_',
  options: {
    listen: { flag: 'listen', env: 'APP_LISTEN', type: address(), default: ':80', group: 'A', meaning: 'Where.' },
    peer: { flag: 'peer', type: address(), defaultFrom: 'listen', group: 'A', meaning: 'Peers.' },
    color: { env: 'APP_COLOR', type: oneOf(['red', 'blue']), group: 'A', meaning: 'Color.' },
    file: { flag: 'file', env: 'FILE', type: path, required: true, group: 'B', meaning: 'File.' },
  },
  relations: [
    {
      between: ['peer', 'listen'],
      rule: 'Ports grow.',
      broken: ({ peer, listen }, show) =>
        peer.port >= listen.port ? null : { message: `${show('peer')} is below ${show('listen')}`, remedy: 'raise it' },
    },
  ],
});

const parse = (argv: readonly string[], env: Record<string, string> = {}) => parseOptions(TABLE, { argv, env });
const problemsOf = (argv: readonly string[], env?: Record<string, string>) => {
  const result = parse(argv, env);
  return result.ok ? [] : result.problems;
};

describe('values', () => {
  test('flags are read in both forms, and their values are typed', () => {
    const result = parse(['--listen', '127.0.0.1:1', '--file=/a=b'], { APP_COLOR: 'red' });
    if (!result.ok) throw new Error('refused');
    const { values } = result;
    expectTypeOf(values.listen).toEqualTypeOf<Address>();
    expectTypeOf(values.peer).toEqualTypeOf<Address>();
    expectTypeOf(values.color).toEqualTypeOf<'red' | 'blue' | undefined>();
    expectTypeOf(values.file).toEqualTypeOf<string>();
    const listen = { host: '127.0.0.1', port: 1 };
    expect(values).toEqual({ listen, peer: listen, color: 'red', file: '/a=b' });
  });

  test('a flag wins over its variable, even over an invalid one; the variable wins over the default', () => {
    expect(parse(['--file=x', '--listen=:1'], { APP_LISTEN: 'nonsense' }).values.listen?.port).toBe(1);
    expect(parse(['--file=x'], { APP_LISTEN: ':2' }).values.listen?.port).toBe(2);
    expect(parse(['--file=x']).values.listen?.port).toBe(80);
  });

  test('a variable that is set to nothing counts as not set', () => {
    const result = parse(['--file=x'], { APP_LISTEN: '', APP_COLOR: '' });
    expect(result).toMatchObject({ ok: true, values: { listen: { port: 80 } } });
    expect(result.values.color).toBeUndefined();
  });
});

describe('a switch', () => {
  const table = defineOptions({
    command: 'end',
    summary: 'Ends.',
    options: {
      now: { flag: 'now', type: boolean, default: 'false', switch: true, group: 'A', meaning: 'At once.' },
      file: { flag: 'file', type: path, group: 'A', meaning: 'File.' },
    },
    relations: [],
  });
  const nowOf = (...argv: string[]) => parseOptions(table, { argv, env: {} }).values.now;

  test('is on where it stands alone, and otherwise what is written', () => {
    expect([nowOf(), nowOf('--now'), nowOf('--now=false'), nowOf('--now', '--file', 'x')]).toEqual([
      false,
      true,
      false,
      true,
    ]);
  });

  test('does not take the argument behind it', () => {
    const result = parseOptions(table, { argv: ['--now', 'false'], env: {} });
    expect(result).toMatchObject({ ok: false, problems: [{ code: 'ARGUMENT_UNEXPECTED', value: 'false' }] });
  });
});

describe('refusals', () => {
  test('a refused value is not replaced by its default', () => {
    expect(parse(['--file=x', '--peer=none']).values.peer).toBeUndefined();
  });

  test('all problems are reported at once', () => {
    const codes = problemsOf(['--listen=80', '--nonsense', 'extra', 'more'], { APP_COLOR: 'green', APP_COLOUR: 'red' });
    expect(codes.map(({ code, option }) => [code, option])).toEqual([
      ['OPTION_UNKNOWN', '--nonsense'],
      ['ARGUMENT_UNEXPECTED', 'argument'],
      ['OPTION_UNKNOWN', 'APP_COLOUR'],
      ['OPTION_INVALID', 'APP_LISTEN (--listen)'],
      ['OPTION_INVALID', 'APP_COLOR'],
      ['OPTION_MISSING', 'FILE (--file)'],
    ]);
  });

  test('a flag given twice is refused', () => {
    expect(problemsOf(['--file=x', '--file', 'y'])).toEqual([
      {
        code: 'OPTION_REPEATED',
        option: 'FILE (--file)',
        value: 'y',
        message: '--file is given more than once',
        remedy: 'give it once',
      },
    ]);
  });

  test.each([[['--file']], [['--file=']], [['--file', '--listen=:1']]])(
    'a flag without a value is refused once: %j',
    (argv) => {
      expect(problemsOf(argv)).toMatchObject([
        { code: 'OPTION_INVALID', message: '--file has no value', remedy: 'write --file PATH' },
      ]);
    },
  );

  test.each([
    [['--file=x', 'extra'], 'extra'],
    [['extra', '--file=x'], 'extra'],
    [['--file=x', '--', '--listen'], '--listen'],
    [['--file=x', '-'], '-'],
  ])('an argument that belongs to no flag is refused: %j', (argv, value) => {
    expect(problemsOf(argv)).toMatchObject([{ code: 'ARGUMENT_UNEXPECTED', value }]);
  });

  test.each([
    ['--fil', 'did you mean --file?'],
    ['-file', 'did you mean --file?'],
    ['--FILE', 'did you mean --file?'],
    ['--colour', 'did you mean APP_COLOR?'],
    ['--constructor', 'remove it (leasegate serve --help lists the options)'],
    ['--__proto__', 'remove it (leasegate serve --help lists the options)'],
    ['-x', 'remove it (leasegate serve --help lists the options)'],
  ])('unknown flag %s is refused: %s', (flag, remedy) => {
    expect(problemsOf(['--file=x', flag, 'value'])).toEqual([
      {
        code: 'OPTION_UNKNOWN',
        option: flag,
        value: 'value',
        message: 'is not an option of "leasegate serve"',
        remedy,
      },
    ]);
  });

  test.each([
    ['APP_LISTN', 'did you mean APP_LISTEN?'],
    ['APP_FILE', 'did you mean FILE?'],
    ['APP_PEER', 'did you mean --peer?'],
    ['APP_VERBOSITY', 'remove it (leasegate serve --help lists the options)'],
  ])('unknown variable %s is refused: %s', (name, remedy) => {
    expect(problemsOf(['--file=x'], { [name]: 'v' })).toMatchObject([
      { code: 'OPTION_UNKNOWN', option: name, value: 'v', remedy },
    ]);
  });

  test("a table without a prefix leaves the other commands' variables alone", () => {
    const { envPrefix: _, ...table } = TABLE;
    expect(parseOptions(table, { argv: ['--file=x'], env: { APP_OTHER: '1' } }).ok).toBe(true);
  });

  test('a conflict names what was given, and says of the other value that it is the default', () => {
    expect(problemsOf(['--file=x', '--peer=:1'])).toEqual([
      {
        code: 'OPTION_CONFLICT',
        option: '--peer',
        value: ':1',
        message: '--peer :1 is below APP_LISTEN :80 (its default)',
        remedy: 'raise it',
      },
    ]);
  });

  test('a relation is not checked while one of its values is itself refused', () => {
    expect(problemsOf(['--file=x', '--peer=:1', '--listen=none']).map(({ code }) => code)).toEqual(['OPTION_INVALID']);
  });
});

test.each([
  [['--help'], true],
  [['-h'], true],
  [['--nonsense', 'x', '--help'], true],
  [['--file', '--help'], true],
  [['--file=--help'], false],
  [['--', '--help'], false],
  [[], false],
])('%j asks for help: %s', (argv, expected) => {
  expect(wantsHelp(TABLE, argv)).toBe(expected);
});
