/** Registers a user, fails to register the same name again, logs in and reads the account: the name is the first argument. */
import {
  AuthApi,
  AuthenticationRequiredOrInvalidTokenProblemFromJSON,
  Configuration,
  IdempotencyKeyInUseOrUsernameTakenProblemFromJSON,
  MeApi,
  ResponseError,
} from './client/index.js';

const username = process.argv[2] ?? 'user1';
const body = { username, password: 'correct horse battery staple' };
let token: string | undefined;
const configuration = new Configuration({ accessToken: () => token ?? '' });
const auth = new AuthApi(configuration);
const me = new MeApi(configuration);

/** Return the body of the answer that refuses; throw if the call succeeds or nothing answers. */
async function refusal(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ResponseError) return error.response.json();
    throw error;
  }
  throw new Error('not refused');
}

const registered = await auth.register({ registerBody: body });
console.log('registered', registered.user.username);

const taken = IdempotencyKeyInUseOrUsernameTakenProblemFromJSON(await refusal(auth.register({ registerBody: body })));
if (taken.code === 'username_taken') console.log('refused', taken.code);
const anonymous = AuthenticationRequiredOrInvalidTokenProblemFromJSON(await refusal(new MeApi().getMe()));
if (anonymous.code === 'authentication_required') console.log('refused', anonymous.code);

token = (await auth.login({ loginBody: body })).accessToken;
console.log('logged in', (await me.getMe()).username);
