"""Registers a user, fails to register the same name again, logs in and reads the account: `journey.py NAME`."""

import sys

from ostiary.exceptions import ConflictException, UnauthorizedException

import ostiary

username, password = sys.argv[1], "correct horse battery staple"
configuration = ostiary.Configuration()
with ostiary.ApiClient(configuration) as client:
    auth, me = ostiary.AuthApi(client), ostiary.MeApi(client)

    registered = auth.register(ostiary.RegisterBody(username=username, password=password))
    print("registered", registered.user.username)
    try:
        auth.register(ostiary.RegisterBody(username=username, password=password))
    except ConflictException as error:
        assert isinstance(error.data, ostiary.IdempotencyKeyInUseOrUsernameTakenProblem)
        if isinstance(error.data.actual_instance, ostiary.UsernameTakenProblem):
            print("refused", error.data.actual_instance.code)
    try:
        me.get_me()
    except UnauthorizedException as error:
        assert isinstance(error.data, ostiary.AuthenticationRequiredOrInvalidTokenProblem)
        if isinstance(error.data.actual_instance, ostiary.AuthenticationRequiredProblem):
            print("refused", error.data.actual_instance.code)

    pair = auth.login(ostiary.LoginBody(username=username, password=password))
    configuration.access_token = pair.access_token
    print("logged in", me.get_me().username)
