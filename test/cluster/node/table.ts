/** A table in Markdown that is filled cell by cell. */
export class Table {
  readonly #corner: string;
  readonly #columns: readonly string[];
  readonly #rows = new Map<string, Map<string, string>>();

  constructor(corner: string, columns: readonly string[]) {
    this.#corner = corner;
    this.#columns = columns;
  }

  set(row: string, column: string, text: string): void {
    const cells = this.#rows.get(row) ?? new Map<string, string>();
    this.#rows.set(row, cells.set(column, text));
  }

  toString(): string {
    const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
    const body = [...this.#rows].map(([row, cells]) => [
      row,
      ...this.#columns.map((column) => cells.get(column) ?? ''),
    ]);
    const rule = [this.#corner, ...this.#columns].map(() => '---');
    return [line([this.#corner, ...this.#columns]), line(rule), ...body.map(line)].join('\n');
  }
}
