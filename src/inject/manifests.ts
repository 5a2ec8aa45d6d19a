import {
  type Document,
  isMap,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
  type YAMLMap,
  YAMLParseError,
} from 'yaml';
import type { Finding } from './report.ts';
import { type Input, joinInputs, type Source } from './source.ts';

/** One object of the input: a document, or an item of a list. */
export interface Manifest {
  readonly document: Document.Parsed;
  readonly documentIndex: number;
  readonly node: YAMLMap;
  /** The nodes around it, from the document's root on; empty where it is a document. */
  readonly around: readonly Node[];
  /** The way to it in the document's value: `[]`, or `['items', 3]`. */
  readonly path: readonly (string | number)[];
  /** Its value, with aliases and merge keys resolved. */
  readonly value: ObjectValue;
  /** `Deployment/web` */
  readonly subject: string;
  /** Where it begins. */
  readonly start: number;
}

// biome-ignore lint/suspicious/noExplicitAny: manifests of any kind, of which nothing has been checked
export type ObjectValue = Readonly<Record<string, any>>;

export interface Stream {
  readonly documents: readonly Document.Parsed[];
  readonly manifests: readonly Manifest[];
  readonly problems: readonly Finding[];
}

/** Reads inputs as one stream. Each is looked at by itself first: what is open at the end of one must not swallow the next. */
export function readInputs(inputs: readonly Input[]): [Source, Stream] {
  const source = joinInputs(inputs);
  const problems = inputs.length < 2 ? [] : inputs.flatMap((input) => readStream(joinInputs([input])).problems);
  return [source, problems.length > 0 ? { documents: [], manifests: [], problems } : readStream(source)];
}

/** Reads a stream of documents, or says where it is broken. Nothing of the text is lost: nodes know their places. */
export function readStream({ text, locate }: Source): Stream {
  const problems: Finding[] = [];
  const documents = [...parseDocuments(text)];
  for (const { errors } of documents) {
    // What follows the first error is mostly its echo.
    const telling = errors.filter(({ code }, index) => index === 0 || code === 'DUPLICATE_KEY');
    for (const error of telling) problems.push(broken(error, text, locate));
  }
  for (const document of documents) {
    const at = templateIn(document);
    if (at !== null) problems.push(template(locate(at), 'a mapping is used as a key'));
  }
  if (problems.length > 0) return { documents, manifests: [], problems };
  const manifests: Manifest[] = [];
  for (const [documentIndex, document] of documents.entries()) {
    try {
      manifests.push(...manifestsOf(document, documentIndex));
    } catch (error) {
      // Aliases without an anchor, or more of them than anybody means.
      const { message } = error as Error;
      problems.push(invalid(locate(document.range[0]), message, 'mend its aliases'));
    }
  }
  return { documents, manifests, problems };
}

/** All documents of the text; none where it is empty. */
export function parseDocuments(text: string): readonly Document.Parsed[] {
  const options = { keepSourceTokens: true, merge: true, prettyErrors: false, logLevel: 'silent' } as const;
  const parsed = parseAllDocuments(text, { ...options, lineCounter: new LineCounter() });
  return 'empty' in parsed ? [] : parsed;
}

function manifestsOf(document: Document.Parsed, documentIndex: number): Manifest[] {
  const { contents } = document;
  if (!isMap(contents)) return [];
  const root = contents as YAMLMap;
  const value: ObjectValue = document.toJS({ maxAliasCount: ALIASES_MAX }) ?? {};
  const items = typeof value.kind === 'string' && value.kind.endsWith('List') ? root.get('items', true) : undefined;
  if (isSeq(items) && Array.isArray(value.items)) {
    return items.items.flatMap((item, index) =>
      isMap(item)
        ? [
            {
              document,
              documentIndex,
              node: item as YAMLMap,
              around: [root, items as Node],
              path: ['items', index],
              value: value.items[index],
              subject: subjectOf(value.items[index]),
              start: (item as YAMLMap).range![0],
            },
          ]
        : [],
    );
  }
  const start = root.range![0];
  return [{ document, documentIndex, node: root, around: [], path: [], value, subject: subjectOf(value), start }];
}

const ALIASES_MAX = 10_000;

function subjectOf({ kind, metadata }: ObjectValue): string {
  return `${kind ?? 'object'}/${metadata?.name ?? metadata?.generateName ?? '?'}`;
}

function broken(error: YAMLParseError, text: string, locate: Source['locate']): Finding {
  const at = error instanceof YAMLParseError ? Math.min(error.pos[0], text.length) : 0;
  const line = text.slice(text.lastIndexOf('\n', at - 1) + 1).split('\n', 1)[0]!;
  const near = text.slice(Math.max(0, at - 200), at + 200);
  if (line.includes('{{') || (near.includes('{{') && near.includes('}}'))) {
    return template(locate(at), reason(error));
  }
  return invalid(locate(at), `${error.code}: ${reason(error)}`, REMEDIES[error.code] ?? 'mend it there');
}

function template(at: Finding['at'], why: string): Finding {
  const remedy = 'render it first: helm template … | leasegate inject';
  return { ...invalid(at, `is a template, not yet YAML (${why})`, remedy), code: 'TEMPLATE_NOT_RENDERED' };
}

/** `{{ .Values.image }}` without quotes is YAML: a mapping whose key is one. Nothing of Kubernetes is so. */
function templateIn(document: Document.Parsed): number | null {
  let at: number | null = null;
  visit(document, {
    Pair(_, { key }) {
      if (!isMap(key)) return undefined;
      at = (key as YAMLMap).range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return at;
}

function invalid(at: Finding['at'], message: string, remedy: string): Finding {
  return { code: 'YAML_INVALID', severity: 'refusal', subject: 'input', at, message, remedy };
}

/** The parser's own words, on one line. */
function reason({ message }: Error): string {
  const text = message.split('\n', 1)[0]!.replace(/[.:]$/, '');
  return text.charAt(0).toLowerCase() + text.slice(1);
}

const REMEDIES: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'indent with blanks',
  DUPLICATE_KEY: 'keep one of the two: kubectl would take the last one, and the API server refuse both',
};
