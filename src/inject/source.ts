/** A named text: a file's, or what came on stdin. */
export interface Input {
  readonly name: string;
  readonly text: string;
}

/** Where something stands; lines and columns count from 1, columns in UTF-16 units. */
export interface Position {
  readonly name: string;
  readonly line: number;
  readonly column: number;
}

/** Several inputs as one stream of documents. */
export interface Source {
  readonly text: string;
  locate(offset: number): Position;
}

const BOM = '\ufeff';

/** Joins inputs as documents of one stream. A single input is kept as it is, to the byte. */
export function joinInputs(inputs: readonly Input[]): Source {
  const starts: { readonly at: number; readonly input: Input }[] = [];
  let text = '';
  for (const input of inputs) {
    const own = starts.length > 0 && input.text.startsWith(BOM) ? input.text.slice(1) : input.text;
    if (starts.length > 0) {
      const eol = eolOf(text);
      if (!text.endsWith('\n')) text += eol;
      if (!/^(---(\s|$)|%)/.test(own)) text += `---${eol}`;
    }
    starts.push({ at: text.length, input: { name: input.name, text: own } });
    text += own;
  }
  return {
    text,
    locate(offset) {
      const { at, input } = starts.findLast((start) => start.at <= offset) ?? starts[0]!;
      const before = input.text.slice(0, Math.max(0, offset - at)).replace(BOM, '');
      const lines = before.split(/\r\n|\n|\r/);
      return { name: input.name, line: lines.length, column: lines.at(-1)!.length + 1 };
    },
  };
}

/** The line end that the text uses first. */
export function eolOf(text: string): '\r\n' | '\n' {
  const at = text.indexOf('\n');
  return at > 0 && text[at - 1] === '\r' ? '\r\n' : '\n';
}

/** The offset behind the line that `offset` is in; `offset` itself where a line begins there. */
export function nextLine(text: string, offset: number): number {
  if (offset > 0 && text[offset - 1] === '\n') return offset;
  const end = text.indexOf('\n', offset);
  return end < 0 ? text.length : end + 1;
}

/** Where the line that `offset` is in begins. */
export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

/** The blanks with which that line begins. */
export function leadingBlanks(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, offset), offset))![0];
}

/** How many characters stand before `offset` in its line; a byte order mark is none. */
export function columnOf(text: string, offset: number): number {
  return text.slice(lineStart(text, offset), offset).replace(BOM, '').length;
}
