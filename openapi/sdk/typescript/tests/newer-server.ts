/** A server that is newer than the SDK: what it adds is borne, what it breaks is told. */
import assert from 'node:assert/strict';
import { isProblem, Ostiary, UnexpectedAnswer } from 'ostiary-client';

const PROBLEM = { type: '/problems/x', title: 'Title', status: 401, detail: 'Detail.' };
const body = { username: 'user1', password: 'password123' };

/** Log in at a server that answers everything with this. */
const logIn = (status: number, answer: unknown) => {
  const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
  const headers = { 'Content-Type': status < 400 ? 'application/json' : 'application/problem+json' };
  const fetch = async () => new Response(text, { status, headers });
  return new Ostiary({ baseUrl: 'https://auth.example.org/', fetch }).auth.login({ body });
};

const grown = await logIn(200, { access_token: 'a', token_type: 'DPoP', device: { id: 1 } });
assert.equal(grown.data?.access_token, 'a');

const unknown = await logIn(401, { ...PROBLEM, code: 'moon_phase', phase: 'new' });
assert(isProblem(unknown.error));
switch (unknown.error.code) {
  case 'invalid_credentials':
    assert.fail('it is another code');
    break;
  default:
    assert.equal(unknown.error.detail, 'Detail.');
}

const known = await logIn(401, { ...PROBLEM, code: 'invalid_credentials', tries_left: 2 });
assert.equal(known.error?.code, 'invalid_credentials');

for (const [status, answer] of [
  [502, '<html>Bad Gateway</html>'],
  [500, 'null'],
  [500, '[]'],
  [500, { code: 1 }],
] as const) {
  await assert.rejects(logIn(status, answer), (error) => error instanceof UnexpectedAnswer && error.status === status);
}

const down = new Ostiary({ baseUrl: 'https://auth.example.org', fetch: () => Promise.reject(new TypeError('down')) });
await assert.rejects(down.auth.login({ body }), new TypeError('down'));

console.log('borne');
