"""The types of an SDK from a contract of tomorrow (see future.py): exact in what may be missing or null."""

from typing import assert_type

from ostiary_client import UNSET, Ostiary, Unset, models

ostiary = Ostiary("http://127.0.0.1:8000", token="token")
user = ostiary.me.get_me()

# Required; may be null.
assert_type(user.phone, str | None)
user.phone.lower()  # type: ignore[union-attr]
# May be missing; not null.
assert_type(user.nickname, str | Unset)
user.nickname.lower()  # type: ignore[union-attr]
user.nickname = None  # type: ignore[assignment]
# May be missing and may be null.
assert_type(user.bio, str | None | Unset)
# Null or an object.
assert_type(user.invited_by, models.Inviter | None)
# Required and not null.
user.username = None  # type: ignore[assignment]

ostiary.me.update_me()
ostiary.me.update_me(nickname=None)
ostiary.me.update_me(nickname=UNSET)
ostiary.me.update_me(nickname=3)  # type: ignore[arg-type]

assert_type(ostiary.auth.login(username="user1", password="password123"), models.TokenPair | models.MfaChallenge)

assert_type(ostiary.gift_cards.get_gift_cards(limit=3), models.GiftCardPage)
ostiary.gift_cards.get_gift_cards(limit="3")  # type: ignore[arg-type]
ostiary.gift_cards.delete_gift_card(user.id, if_match='"1"')
ostiary.gift_cards.delete_gift_card(user.id)  # type: ignore[call-arg]
ostiary.gift_cards.delete_gift_card("card", if_match='"1"')  # type: ignore[arg-type]
