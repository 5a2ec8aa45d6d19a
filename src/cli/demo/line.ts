/** What a piece of text means; {@link paint} knows how that looks. */
export type Tone = 'plain' | 'strong' | 'faint' | 'good' | 'warn' | 'bad';

export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

/** One row of the terminal, before it is cut and coloured. All characters are one column wide. */
export type Line = readonly Span[];

const SGR: Readonly<Record<Tone, string>> = {
  plain: '',
  strong: '1',
  faint: '2',
  good: '32;1',
  warn: '33',
  bad: '31;1',
};

export const span = (text: string, tone: Tone = 'plain'): Span => ({ text, tone });
export const BLANK: Line = [];

export function textOf(line: Line): string {
  return line.map(({ text }) => text).join('');
}

/** The row as the terminal gets it: at most `columns` wide, whatever `line` holds; without colours just its text. */
export function paint(line: Line, columns: number, colours: boolean): string {
  let left = textOf(line).length <= columns ? columns : columns - 1;
  const cut = left < columns;
  const parts: string[] = [];
  for (const { text, tone } of line) {
    const shown = text.slice(0, Math.max(0, left));
    left -= shown.length;
    if (shown !== '') parts.push(colours && SGR[tone] !== '' ? `\x1b[${SGR[tone]}m${shown}\x1b[0m` : shown);
  }
  return parts.join('') + (cut && columns > 0 ? '…' : '');
}

/** Breaks text between words into rows of at most `columns`; a longer word stands alone and is left to {@link paint}. */
export function wrap(text: string, columns: number): string[] {
  const rows: string[] = [];
  for (const word of text.split(' ')) {
    const last = rows.at(-1);
    if (last === undefined || last.length + 1 + word.length > columns) rows.push(word);
    else rows[rows.length - 1] = `${last} ${word}`;
  }
  return rows;
}
