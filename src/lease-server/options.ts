import type { FieldValidation } from './body.ts';
import type { ResourceCall } from './call.ts';
import { isTrue } from './route.ts';
import { type Predicate, parseFieldSelector, parseLabelSelector } from './selector.ts';
import { badRequest, fail, invalid, ok, type Result, unforeseen, versionTooLarge } from './status.ts';
import { notSupported } from './validation.ts';
import type { WatchQuery } from './watch.ts';

export interface WriteParameters {
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
}

const VALIDATIONS = ['', 'Ignore', 'Strict', 'Warn'];

/** Reads `dryRun` and `fieldValidation`; `kind` names the options in the refusal. */
export function readWriteParameters(
  query: URLSearchParams,
  kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions' | 'DeleteOptions',
): Result<WriteParameters> {
  const dryRun = query.getAll('dryRun');
  const validation = query.get('fieldValidation') ?? '';
  const causes = [
    ...(dryRun.every((word) => word === 'All') ? [] : [notSupported('dryRun', JSON.stringify(dryRun), ['All'])]),
    ...(VALIDATIONS.includes(validation)
      ? []
      : [notSupported('fieldValidation', JSON.stringify(validation), VALIDATIONS)]),
  ];
  if (causes.length > 0) return fail(invalid({ group: 'meta.k8s.io', kind }, '', causes));
  return ok({
    dryRun: dryRun.length > 0,
    fieldValidation: validation === '' ? 'Warn' : (validation as FieldValidation),
  });
}

/** The objects that `fieldSelector` and `labelSelector` leave. */
export function readSelection(call: ResourceCall): Result<Predicate> {
  const byLabel = parseLabelSelector(call.query.get('labelSelector') ?? '');
  if (!byLabel.ok) return byLabel;
  const byField = parseFieldSelector(call.query.get('fieldSelector') ?? '', call.type);
  if (!byField.ok) return byField;
  return ok((object) => byLabel.value(object) && byField.value(object));
}

const notANumber = (text: string): string =>
  `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`;

/** Reads the `resourceVersion` of a GET or LIST: 0 when any will do; one that is not reached yet is an error. */
export function readVersion(query: URLSearchParams, current: number): Result<number> {
  const text = query.get('resourceVersion') ?? '';
  if (!/^\d*$/.test(text)) return fail(badRequest(`invalid resource version: ${notANumber(text)}`));
  const version = Number(text);
  return version > current ? fail(versionTooLarge(version, current)) : ok(version);
}

export function readWatchQuery(call: ResourceCall): Result<WatchQuery> {
  const { query, type, namespace } = call;
  const selection = readSelection(call);
  if (!selection.ok) return selection;
  const timeout = query.get('timeoutSeconds') ?? '0';
  if (!/^-?\d+$/.test(timeout)) {
    return fail(badRequest(`strconv.ParseInt: parsing ${JSON.stringify(timeout)}: invalid syntax`));
  }
  const version = query.get('resourceVersion') ?? '';
  if (!/^\d*$/.test(version)) return fail(unforeseen(notANumber(version)));
  return ok({
    type,
    namespace,
    selects: selection.value,
    since: Number(version) === 0 ? null : Number(version),
    bookmarks: isTrue(query.get('allowWatchBookmarks')),
    timeoutSeconds: Math.max(0, Number(timeout)),
  });
}
