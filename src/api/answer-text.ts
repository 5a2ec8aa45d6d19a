import type { LeaderAnswer } from '../leadership/leadership.ts';

const VALID_FOR = '"validForMs":';

/**
 * Answers as JSON. From one to the next only `validForMs` changes, mostly: what stands before and after it is kept, since
 * writing an object out costs more than all the rest of an answer.
 */
export class AnswerText {
  #last: LeaderAnswer | null = null;
  #before = '';
  #after = '';

  of(answer: LeaderAnswer): string {
    if (this.#last === null || !alike(this.#last, answer)) {
      // Quotes within strings are escaped: this is the field and nothing else.
      const [before = '', after = ''] = JSON.stringify({ ...answer, validForMs: 0 }).split(`${VALID_FOR}0`);
      this.#before = before + VALID_FOR;
      this.#after = after;
      this.#last = answer;
    }
    return this.#before + answer.validForMs + this.#after;
  }
}

/** Whether two answers of one replica say the same but for `validForMs`. */
function alike(one: LeaderAnswer, other: LeaderAnswer): boolean {
  return (
    one.isLeader === other.isLeader &&
    one.identity === other.identity &&
    one.leader?.identity === other.leader?.identity &&
    one.leader?.address === other.leader?.address &&
    one.fencingToken === other.fencingToken &&
    one.term?.transitions === other.term?.transitions &&
    one.term?.acquireTime === other.term?.acquireTime &&
    one.lease.uid === other.lease.uid
  );
}
