/** The types of an SDK from a contract of tomorrow (see future.py): exact in what may be missing or null. */
import { Ostiary } from 'ostiary-client';
import type { GiftCardPage, Inviter, MfaChallenge, TokenPair, User } from 'ostiary-client';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>): void => undefined;

const ostiary = new Ostiary({ baseUrl: 'http://127.0.0.1:8000', token: 'token' });

same<User['username'], string>(true);
same<User['phone'], string | null>(true);
same<Pick<User, 'nickname'>, { nickname?: string }>(true);
same<Pick<User, 'bio'>, { bio?: string | null }>(true);
same<User['invited_by'], Inviter | null>(true);

const { data: user } = await ostiary.me.getMe();
if (user) {
  // @ts-expect-error: may be null
  user.phone.toLowerCase();
  // @ts-expect-error: may be missing
  user.nickname.toLowerCase();
  // @ts-expect-error: not null
  user.username = null;
}

ostiary.me.updateMe({ body: {} });
ostiary.me.updateMe({ body: { nickname: null } });
// @ts-expect-error: missing is not the same as undefined
ostiary.me.updateMe({ body: { nickname: undefined } });
// @ts-expect-error: a number
ostiary.me.updateMe({ body: { nickname: 3 } });

const { data: pair } = await ostiary.auth.login({ body: { username: 'user1', password: 'password123' } });
same<typeof pair, TokenPair | MfaChallenge | undefined>(true);

const { data: page } = await ostiary.giftCards.getGiftCards({ query: { limit: 3 } });
same<typeof page, GiftCardPage | undefined>(true);
// @ts-expect-error: text
ostiary.giftCards.getGiftCards({ query: { limit: '3' } });
ostiary.giftCards.deleteGiftCard({ path: { gift_card_id: 'id' }, headers: { 'If-Match': '"1"' } });
// @ts-expect-error: without the version
ostiary.giftCards.deleteGiftCard({ path: { gift_card_id: 'id' } });
