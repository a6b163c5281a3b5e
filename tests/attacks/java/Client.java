import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** The JDK's client as it comes: over http it offers h2c with its first request. Prints a status for each request. */
public class Client {
    public static void main(String[] arguments) throws Exception {
        String url = arguments[0];
        String person = "{\"username\":\"" + arguments[1] + "\",\"password\":\"correct horse battery\"}";
        HttpClient client = HttpClient.newHttpClient();
        String[] paths = {"/register", "/login", "/register"};
        for (String path : paths) {
            HttpRequest request = HttpRequest.newBuilder(URI.create(url + path))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(person))
                .build();
            HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
            System.out.println(answer.statusCode());
        }
        System.exit(0);
    }
}
