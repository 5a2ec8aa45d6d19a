export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, unknown>> | null;
  readonly matchExpressions?:
    | readonly {
        readonly key: string;
        readonly operator: string;
        readonly values?: readonly unknown[] | null;
      }[]
    | null;
}

/** As the API server matches: without a selector nothing, with an empty one (of policy/v1, say) everything. */
export function selects(
  selector: LabelSelector | null | undefined,
  labels: Readonly<Record<string, unknown>>,
): boolean {
  if (selector === null || selector === undefined) return false;
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return (
    equal &&
    (selector.matchExpressions ?? []).every(({ key, operator, values }) => {
      const has = Object.hasOwn(labels, key);
      const listed = has && (values ?? []).includes(labels[key]);
      switch (operator) {
        case 'In':
          return listed;
        case 'NotIn':
          return !listed;
        case 'Exists':
          return has;
        default:
          return !has;
      }
    })
  );
}
