/** What tsc has to refuse: a line that it accepts makes its `@ts-expect-error` unused, which is an error. */
import { Ostiary } from 'ostiary-client';
import type { InvalidCredentialsProblem, LoginError, Problem, ProblemCode, TokenPair, ValidationFailedProblem } from 'ostiary-client';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>): void => undefined;

const ostiary = new Ostiary({ baseUrl: 'http://127.0.0.1:8000' });

// @ts-expect-error: without an address
new Ostiary({});
// @ts-expect-error: without a password
ostiary.auth.login({ body: { username: 'user1' } });
// @ts-expect-error: without a body
ostiary.auth.login();
// @ts-expect-error: null
ostiary.auth.login({ body: { username: null, password: 'password123' } });
// @ts-expect-error: undefined
ostiary.auth.login({ body: { username: undefined, password: 'password123' } });
// @ts-expect-error: a member that the contract does not have
ostiary.auth.login({ body: { username: 'user1', password: 'password123', remember: true } });
// @ts-expect-error: the name of a generator
ostiary.auth.postLogin();

const { data, error } = await ostiary.auth.login({ body: { username: 'user1', password: 'password123' } });
// @ts-expect-error: before the error is looked at
data.access_token;
// @ts-expect-error: before the error is looked at
error.code;
if (error) {
  same<typeof error, LoginError>(true);
  // @ts-expect-error: a code that logging in does not answer
  error.code === 'invalid_token';
  // @ts-expect-error: before the code is looked at
  error.errors;
  if (error.code === 'invalid_credentials') same<typeof error, InvalidCredentialsProblem>(true);
  switch (error.code) {
    case 'invalid_credentials':
      break;
    default: {
      // @ts-expect-error: other codes are left
      const never: never = error;
      void never;
    }
  }
} else {
  same<typeof data, TokenPair>(true);
  same<(typeof data)['expires_in'], number>(true);
  // @ts-expect-error: a member that the contract does not have
  data.acces_token;
}
same<Problem['code'], ProblemCode>(true);
same<ValidationFailedProblem['errors'][number]['pointer'], string>(true);
// @ts-expect-error: a code that the contract does not have
const unheardOf: ProblemCode = 'moon_phase';
void unheardOf;
