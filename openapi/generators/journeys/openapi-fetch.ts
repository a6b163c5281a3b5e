/** Registers a user, fails to register the same name again, logs in and reads the account: address and name are the arguments. */
import createClient from 'openapi-fetch';
import type { paths } from './contract.js';

const [, , baseUrl = 'http://127.0.0.1:8000', username = 'user1'] = process.argv;
const body = { username, password: 'correct horse battery staple' };
const client = createClient<paths>({ baseUrl });

const registered = await client.POST('/register', { body });
console.log('registered', registered.data?.user.username);
const taken = await client.POST('/register', { body });
if (taken.error?.code === 'username_taken') console.log('refused', taken.error.code);
const anonymous = await client.GET('/me');
if (anonymous.error?.code === 'authentication_required') console.log('refused', anonymous.error.code);

const { data: pair, error } = await client.POST('/login', { body });
if (error) throw new Error(error.detail);
const { data: me } = await client.GET('/me', { headers: { Authorization: `Bearer ${pair.access_token}` } });
console.log('logged in', me?.username);
