import type { Patch, Pod } from '../ports/publisher.ts';
import { ELECTION_LABEL, ROLE_LABEL, TOKEN_ANNOTATION } from './names.ts';
import { ofThisVersion, ownTarget, type PodFacet } from './pod-facet.ts';

/** `leasegate.dev/role`, and beside it the election that it speaks of and the term. */
export function roleLabel(election: string): PodFacet {
  const write = (target: Patch, role: string, token: string | null): Patch => ({
    metadata: {
      ...target,
      labels: { [ROLE_LABEL]: role, [ELECTION_LABEL]: election },
      ...(token === null ? {} : { annotations: { [TOKEN_ANNOTATION]: token } }),
    },
  });
  const says = ({ metadata: { labels } }: Pod, role: string) =>
    labels?.[ROLE_LABEL] === role && labels[ELECTION_LABEL] === election;
  const saysToken = ({ metadata: { annotations } }: Pod, token: string) => annotations?.[TOKEN_ANNOTATION] === token;

  return {
    publisher: 'label',
    ofStatus: false,
    lead: (own, token) =>
      says(own, 'leader') && saysToken(own, token) ? null : write(ofThisVersion(own), 'leader', token),
    standBy: (own, afterTerm) =>
      afterTerm === null && says(own, 'standby') ? null : write(ownTarget(own, afterTerm), 'standby', afterTerm),
    clear: (other, token, fence) =>
      says(other, 'standby') && (!fence || saysToken(other, token))
        ? null
        : write(ofThisVersion(other), 'standby', token),
  };
}

/** Only that a pod belongs to the election: by that its leader finds the others, where their roles are not in labels. */
export function membershipLabel(election: string, publisher: PodFacet['publisher']): PodFacet {
  const join = (own: Pod): Patch | null =>
    own.metadata.labels?.[ELECTION_LABEL] === election
      ? null
      : { metadata: { uid: own.metadata.uid, labels: { [ELECTION_LABEL]: election } } };
  return { publisher, ofStatus: false, lead: join, standBy: join, clear: () => null };
}
