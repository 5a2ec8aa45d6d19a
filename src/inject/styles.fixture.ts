import fc from 'fast-check';

type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };
type Random = fc.GeneratorValue;

/** Manifests as people write them: any style that YAML has for them, chosen anew for each collection. */
export function writtenManifest(random: Random): { readonly text: string; readonly values: readonly Value[] } {
  const pick = <T>(values: readonly T[]): T => random(fc.constantFrom, ...values) as T;
  const values = [
    ...(pick([true, false]) ? [configMap()] : []),
    ...Array.from({ length: pick([1, 1, 2]) }, (_, index) => workload(random, `app-${index}`)),
    ...(pick([true, false]) ? [configMap()] : []),
  ];
  const step = pick([2, 2, 3, 4]);
  const style: Style = {
    step,
    dashAt: pick([0, step]),
    flow: pick([0, 0, 0.2, 0.5]),
    comments: pick([0, 0.1, 0.3]),
    json: false,
  };
  const eol = pick(['\n', '\n', '\r\n']);
  const all = pick([false, false, false, true]) ? [{ apiVersion: 'v1', kind: 'List', items: values }] : values;
  const documents = all.map((value) => {
    if (pick([0, 0, 0, 1]) === 1) return `${JSON.stringify(value, null, pick([0, 2, 4, '\t']))}\n`;
    return `${new Writer(random, style).block(value, 0).join('\n')}\n`;
  });
  let text = documents.join(pick(['---\n', '---\n', '---\n# next\n', '...\n---\n', '---\n\n---\n']));
  if (pick([0, 0, 1])) text = `---\n${text}`;
  if (pick([0, 0, 0, 1])) text += pick(['---\n', '# end\n', '\n\n', '...\n']);
  else if (pick([0, 0, 1])) text = text.replace(/\n$/, '');
  if (eol === '\r\n') text = text.replaceAll('\n', eol);
  return { text: pick(['', '', '', '\ufeff']) + text, values };
}

function configMap(): Value {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'c' },
    data: { a: '---\nkind: Deployment\n', 'b.yaml': '# x' },
  };
}

function workload(random: Random, name: string): Value {
  const pick = <T>(values: readonly T[]): T => random(fc.constantFrom, ...values) as T;
  const maybe = (key: string, ...values: readonly Value[]) => (pick([0, 1]) ? { [key]: pick(values) } : {});
  const shuffled = (value: Record<string, Value>) => {
    const keys = Object.keys(value);
    const order = pick([false, true])
      ? (random(fc.shuffledSubarray, keys, { minLength: keys.length }) as string[])
      : keys;
    return Object.fromEntries(order.map((key) => [key, value[key]!]));
  };
  const podSpec = shuffled({
    containers: [
      { name: 'main', image: 'x:1', args: ['a\n---\nb\n', '- c'] },
      ...pick([[], [{ name: 'two', image: 'y' }]]),
    ],
    ...maybe('initContainers', null, [], [{ name: 'init', image: 'i' }]),
    ...maybe(
      'volumes',
      null,
      [],
      [
        { name: 'tmp', emptyDir: {} },
        { name: 'c', configMap: { name: 'c' } },
      ],
    ),
    ...maybe('serviceAccountName', 'robot'),
    ...maybe('securityContext', {}, { runAsNonRoot: true }),
    ...maybe('tolerations', [], [{ operator: 'Exists' }]),
  });
  const metadata = shuffled({
    name,
    ...maybe('annotations', null, {}, { note: 'two words: here', 'a/b': '1' }),
    ...maybe('labels', { app: name }),
  });
  return shuffled({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: shuffled({
      replicas: 3,
      selector: { matchLabels: { app: name } },
      template: shuffled({ metadata: { labels: { app: name } }, spec: podSpec }),
    }),
  });
}

interface Style {
  readonly step: number;
  readonly dashAt: number;
  /** How many collections in flow style, how many lines with a comment above: parts of one. */
  readonly flow: number;
  readonly comments: number;
  readonly json: boolean;
}

class Writer {
  readonly #random: Random;
  readonly #style: Style;

  constructor(random: Random, style: Style) {
    this.#random = random;
    this.#style = style;
  }

  /** Lines, all indented. */
  block(value: Value, column: number): string[] {
    const pad = ' '.repeat(column);
    if (Array.isArray(value)) {
      return value.flatMap((item: Value) => {
        const [first = '', ...rest] = this.#nested(item, column + 2);
        return [...this.#comment(column), `${pad}- ${first.trimStart()}`, ...rest];
      });
    }
    return Object.entries(value as object).flatMap(([key, child]: [string, Value]) => {
      const above = this.#comment(column);
      if (child === null) return [...above, `${pad}${key}:${this.#pick(['', ' null', ' ~', ' # nothing yet'])}`];
      if (typeof child !== 'object') return [...above, ...this.#scalarLines(`${pad}${key}:`, child, column)];
      if (Object.keys(child).length === 0 || this.#chance(this.#style.flow)) {
        return [...above, `${pad}${key}: ${this.#flow(child)}${this.#behind()}`];
      }
      const inner = column + (Array.isArray(child) ? this.#style.dashAt : this.#style.step);
      return [...above, `${pad}${key}:${this.#behind()}`, ...this.block(child, inner)];
    });
  }

  #nested(item: Value, column: number): string[] {
    if (item === null || typeof item !== 'object') return this.#scalarLines('', item, column - 2);
    if (Object.keys(item).length === 0 || this.#chance(this.#style.flow)) return [this.#flow(item)];
    // A comment can't stand between a dash and the first key behind it in this simple writer.
    const lines = this.block(item, column);
    while (lines[0]!.trimStart().startsWith('#')) lines.shift();
    return lines;
  }

  #scalarLines(head: string, value: string | number | boolean | null, column: number): string[] {
    const lead = head === '' ? '' : `${head} `;
    if (typeof value === 'string' && value.includes('\n') && this.#chance(0.7)) {
      const keep = value.endsWith('\n') ? '|' : '|-';
      const body = value.replace(/\n$/, '').split('\n');
      const pad = ' '.repeat(column + 2);
      return [`${lead}${keep}`, ...body.map((line) => (line === '' ? '' : pad + line))];
    }
    return [`${lead}${this.#scalar(value)}${this.#behind()}`];
  }

  #scalar(value: string | number | boolean | null): string {
    if (typeof value !== 'string') return String(value);
    if (value.includes('\n')) return JSON.stringify(value);
    const plain = /^[A-Za-z][\w./-]*$/.test(value);
    return this.#pick([JSON.stringify(value), `'${value}'`, plain ? value : JSON.stringify(value)]);
  }

  #flow(value: Value): string {
    const space = this.#pick(['', ' ']);
    const quote = (key: string) => (this.#chance(0.3) ? `"${key}"` : key);
    const last = Object.keys(value as object).length > 0 ? this.#pick(['', '', ',']) : '';
    if (Array.isArray(value))
      return `[${space}${value.map((item: Value) => this.#inFlow(item)).join(', ')}${last}${space}]`;
    const pairs = Object.entries(value as object).map(([key, child]) => `${quote(key)}: ${this.#inFlow(child)}`);
    return `{${space}${pairs.join(', ')}${last}${space}}`;
  }

  #inFlow(value: Value): string {
    if (value === null) return 'null';
    return typeof value === 'object'
      ? this.#flow(value)
      : typeof value === 'string'
        ? JSON.stringify(value)
        : String(value);
  }

  #comment(column: number): string[] {
    if (!this.#chance(this.#style.comments)) return [];
    return this.#pick([
      [`${' '.repeat(column)}# a comment: - with {signs}`],
      ['# at the margin'],
      [''],
      ['', '   # off'],
    ]);
  }

  #behind(): string {
    return this.#chance(this.#style.comments) ? this.#pick(['  # behind', ' ', '   #']) : '';
  }

  #chance(part: number): boolean {
    return part > 0 && (this.#random(fc.nat, { max: 99 }) as number) < part * 100;
  }

  #pick<T>(values: readonly T[]): T {
    return this.#random(fc.constantFrom, ...values) as T;
  }
}
