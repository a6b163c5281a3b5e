import org.example.ostiary.ApiClient;
import org.example.ostiary.ApiException;
import org.example.ostiary.api.AuthApi;
import org.example.ostiary.api.MeApi;
import org.example.ostiary.model.AuthenticationRequiredOrInvalidTokenProblem;
import org.example.ostiary.model.AuthenticationRequiredProblem;
import org.example.ostiary.model.IdempotencyKeyInUseOrUsernameTakenProblem;
import org.example.ostiary.model.LoginBody;
import org.example.ostiary.model.RegisterBody;
import org.example.ostiary.model.UsernameTakenProblem;

/** Registers a user, fails to register the same name again, logs in and reads the account: the name is the first argument. */
public final class Journey {
    private static final String PASSWORD = "correct horse battery staple";

    private Journey() {}

    public static void main(String[] arguments) throws Exception {
        var username = arguments[0];
        var client = new ApiClient();
        var auth = new AuthApi(client);
        var body = new RegisterBody().username(username).password(PASSWORD);

        System.out.println("registered " + auth.register(body, null).getUser().getUsername());
        try {
            auth.register(body, null);
        } catch (ApiException refused) {
            var problem = client.getObjectMapper()
                    .readValue(refused.getResponseBody(), IdempotencyKeyInUseOrUsernameTakenProblem.class);
            if (problem.getActualInstance() instanceof UsernameTakenProblem taken) {
                System.out.println("refused " + taken.getCode().getValue());
            }
        }
        try {
            new MeApi(client).getMe(null);
        } catch (ApiException refused) {
            var problem = client.getObjectMapper()
                    .readValue(refused.getResponseBody(), AuthenticationRequiredOrInvalidTokenProblem.class);
            if (problem.getActualInstance() instanceof AuthenticationRequiredProblem anonymous) {
                System.out.println("refused " + anonymous.getCode().getValue());
            }
        }

        var pair = auth.login(new LoginBody().username(username).password(PASSWORD));
        client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + pair.getAccessToken()));
        System.out.println("logged in " + new MeApi(client).getMe(null).getUsername());
    }
}
