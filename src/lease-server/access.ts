import { topLevel } from './metadata-schema.ts';
import { isObject, type JsonObject } from './object.ts';
import { boolean, type ObjectSchema, orElse, string, struct } from './schema.ts';
import { fail, forbidden, invalid, ok, type Result, type Status } from './status.ts';
import { invalidValue } from './validation.ts';

/** What somebody wants to do, in RBAC's words. */
export interface Action {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  /** Empty for resources without one, and for all. */
  readonly namespace: string;
  readonly name: string;
}

const resourceName = ({ resource, subresource }: Action): string =>
  subresource === '' ? resource : `${resource}/${subresource}`;

/** The 403 of an RBAC authorizer. */
export function denied(user: string, action: Action): Status {
  const scope = action.namespace === '' ? 'at the cluster scope' : `in the namespace "${action.namespace}"`;
  return forbidden(
    { group: action.group, kind: action.resource },
    action.name,
    `User "${user}" cannot ${action.verb} resource "${resourceName(action)}" in API group "${action.group}" ${scope}`,
  );
}

const resourceAttributes = struct('ResourceAttributes', {
  namespace: string,
  verb: string,
  group: string,
  version: string,
  resource: string,
  subresource: string,
  name: string,
});
const nonResourceAttributes = struct('NonResourceAttributes', { path: string, verb: string });

/** The body of a SelfSubjectAccessReview. */
export const accessReviewSchema: ObjectSchema = topLevel('SelfSubjectAccessReview', {
  spec: orElse(struct('SelfSubjectAccessReviewSpec', { resourceAttributes, nonResourceAttributes }), {}),
  status: orElse(struct('SubjectAccessReviewStatus', { allowed: orElse(boolean, false), reason: string }), {}),
});

/** Answers a review; paths that are no resource's are always allowed. */
export function reviewAccess(review: JsonObject, allows: (action: Action) => boolean): Result<JsonObject> {
  const spec = isObject(review.spec) ? review.spec : {};
  const asked = isObject(spec.resourceAttributes) ? spec.resourceAttributes : null;
  if ((asked === null) === !isObject(spec.nonResourceAttributes)) {
    const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    const cause = invalidValue('spec.resourceAttributes', asked, why);
    return fail(invalid({ group: 'authorization.k8s.io', kind: '' }, '', [cause]));
  }
  const text = (field: string): string => (typeof asked?.[field] === 'string' ? asked[field] : '');
  const action: Action = {
    verb: text('verb'),
    group: text('group'),
    resource: text('resource'),
    subresource: text('subresource'),
    namespace: text('namespace'),
    name: text('name'),
  };
  return ok({
    kind: 'SelfSubjectAccessReview',
    apiVersion: 'authorization.k8s.io/v1',
    metadata: {},
    spec,
    status: { allowed: asked === null || allows(action) },
  });
}
